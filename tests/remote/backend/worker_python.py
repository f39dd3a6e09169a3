"""The interpreter that has the worker's environment (torch, ray): $FIXSMITH_WORKER_PYTHON or .venv-worker."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SHIPPED = ("config/*.py", "config/sections/*.py", "pipeline/*.py", "pipeline/remote/**/*.py", "pipeline/training/*.py")


def worker_python() -> Path:
    """Return the interpreter, or skip the test."""
    python = Path(os.environ.get("FIXSMITH_WORKER_PYTHON") or ROOT / ".venv-worker" / "bin" / "python")
    if not (python.parent / "ray").exists():
        pytest.skip("no worker environment: set FIXSMITH_WORKER_PYTHON to an interpreter with the worker's packages")
    return python


def stub_package(target: Path) -> Path:
    """Write the worker's package with a worker that trains nothing in the real one's place."""
    with zipfile.ZipFile(target, "w") as package:
        for pattern in SHIPPED:
            for path in sorted(ROOT.glob(pattern)):
                name = path.relative_to(ROOT).as_posix()
                if not name.startswith("pipeline/remote/worker"):
                    package.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), path.read_bytes())
        stub = (Path(__file__).parent / "stub_worker.py").read_bytes()
        package.writestr(zipfile.ZipInfo("pipeline/remote/worker.py", (2020, 1, 1, 0, 0, 0)), stub)
    return target
