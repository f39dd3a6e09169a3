"""The tiny model and a data set on disk, made once for all tests here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.models import blas
from pipeline.stage import write_records
from tests.evaluation import fabricated

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the child use one thread: tiny matrices are slower on more."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the tiny base model and its adapters."""
    folder = tmp_path_factory.mktemp("tiny")
    environment = blas.environment(os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"})
    subprocess.run([sys.executable, "-m", "tests.evaluation.tiny", str(folder)], check=True, env=environment)
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set's folder: eight findings held out, four of them with their fixed twin, eight fixes."""
    folder = tmp_path_factory.mktemp("assemble") / "dataset"
    data = fabricated.held_out(8)
    for part, kinds in (("train", data.train), ("test", data.test)):
        for kind, examples in kinds.items():
            write_records(folder / kind / f"{part}.jsonl", examples)
    return folder
