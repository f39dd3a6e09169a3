"""How the command is run: as a person or the daemon runs it, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


class Command:
    """Runs `process_artifacts` in a process of its own, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("FIXSMITH_", "FINE_TUNING_"))},
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(ROOT),
        }

    def arguments(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "pipeline.process_artifacts", *map(str, arguments)]

    def __call__(self, *arguments: object, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.arguments(*arguments), cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Return the command, to be run in a temporary folder."""
    return Command(tmp_path)


@pytest.fixture(scope="session")
def demo() -> Path:
    """Return the demo's folder."""
    return ROOT / "tests" / "demo"


@pytest.fixture(scope="session")
def seed_artifacts() -> Path:
    """Return the real artifacts beside the project, where there are any."""
    folder = ROOT.parent / "shared" / "data" / "seed-artifacts"
    if not folder.is_dir():
        pytest.skip("the seed artifacts aren't beside this checkout")
    return folder


MEASURED = ("seconds", "memory", "tokens_per_second")
"""Parts of the names of fields that measure time or memory: these, and only these, differ between runs."""


DIGESTS = {"exp_config.json": ("files", "inputs", "outputs"), "bom.cdx.json": ("hashes",)}
"""Fields that hold digests of files that say how long something took."""


def outputs(folder: Path) -> dict[str, bytes]:
    """Return every output file, fields that measure time or memory left out of the JSON ones.

    Left out whole: pages and pictures drawn from such fields, and digests of files that hold them.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and path.suffix not in (".html", ".png") and path.name not in ("manifest.json", "run.json"):
            found[name] = unmeasured(path) if path.suffix in (".json", ".jsonl", ".md") else path.read_bytes()
    return found


def unmeasured(path: Path) -> bytes:
    """Return a JSON or JSON-lines file without what was measured while it was made."""
    text = path.read_text()
    if path.suffix == ".md":
        return "\n".join(line for line in text.splitlines() if not line.startswith("Training took")).encode()
    rows = text.splitlines() if path.suffix == ".jsonl" else [text]
    return "\n".join(json.dumps(_stripped(json.loads(row), path.name), sort_keys=True) for row in rows).encode()


def _stripped(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_stripped(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    gone = DIGESTS.get(name, ())
    return {
        key: _stripped(item, name)
        for key, item in value.items()
        if key not in gone and not any(part in key for part in MEASURED)
    }
