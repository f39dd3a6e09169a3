"""How the command is run: as a person or the daemon runs it, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

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


def outputs(folder: Path) -> dict[str, bytes]:
    """Return every output file but those that hold seconds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", "run.json") and ".work" not in str(path)
    }
