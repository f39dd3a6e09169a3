"""A workspace with one run, and a tiny model with an adapter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pipeline.models import blas
from pipeline.records import (
    Fix,
    FixSource,
    Outcome,
    Retrieved,
)
from pipeline.stage import Request, write_records
from pipeline.verification.service import verdict_of

from .samples import CODE, EXCERPT, FINDING, GOOD, finish

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "app.py").write_text(CODE)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, source: Path) -> Path:
    """A workspace with one run without specialists, in which a tool's fix was verified."""
    run = tmp_path / "runs" / "abc"
    write_records(run / "parse/findings.jsonl", [FINDING])
    write_records(run / "locate/excerpts.jsonl", [EXCERPT])
    tool = Fix(
        fingerprint="a" * 64, source=FixSource.TOOL, path="app.py", start_line=5, end_line=5,
        before=CODE.splitlines(keepends=True)[4], replacement=f"{GOOD}\n",
    )  # fmt: skip
    write_records(run / "mine/fixes.jsonl", [tool])
    write_records(run / "verify/verdicts.jsonl", [verdict_of(tool, Outcome.VERIFIED, "seen")])
    write_records(run / "retrieve/passages.jsonl", [Retrieved(fingerprint="a" * 64, passages=())])
    for name in ("parse", "locate", "mine", "verify", "retrieve"):
        finish(run / name, {})
    request = Request(artifacts="a", artifacts_digest="d", source=str(source))
    (run / "run.json").write_bytes(msgspec.json.encode({"run": "abc", "request": request}))
    (tmp_path / "latest").symlink_to("runs/abc")
    return tmp_path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    environment = blas.environment(os.environ | {"PYTHONPATH": str(ROOT)})
    subprocess.run([sys.executable, "-m", "tests.evaluation.tiny", str(folder)], check=True, env=environment)
    return folder
