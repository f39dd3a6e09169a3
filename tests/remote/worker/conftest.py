"""These tests need torch: they run in `.venv-worker` (`make test-worker`), and the main suite passes them over."""

from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tiny random model of CodeLlama's shape."""
    from . import tiny

    return tiny.model(tmp_path_factory.mktemp("base") / "codellama")


@pytest.fixture(scope="session")
def whole(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a training that ran to its end in this process."""
    from pipeline.remote.worker.training import train

    from . import tiny

    folder = tmp_path_factory.mktemp("whole")
    train(tiny.spec(folder, base))
    return folder
