"""Folders that macOS protects: a background service that touches one may be refused, or hang for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from config.settings import Settings

PROTECTED = ("Desktop", "Documents", "Downloads", "Library/Mobile Documents", "Library/CloudStorage")
VOLUMES = Path("/Volumes")
SECONDS = 5.0


def protected(path: Path, home: Path | None = None) -> bool:
    """Tell whether a path lies under privacy protection, itself or where its links lead; case doesn't matter."""
    root = home or Path.home()
    guarded = [_folded(place) for place in (VOLUMES, *(root / name for name in PROTECTED))]
    return any(_folded(way).is_relative_to(place) for way in (path, Path(os.path.realpath(path))) for place in guarded)


def answers(path: Path, seconds: float = SECONDS) -> bool:
    """Tell whether a folder can be listed in bounded time; asked in another process, which can be given up."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(["/bin/ls", "--", str(path)], stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        return process.wait(timeout=seconds) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # one that hangs in the kernel can't even be killed
            process.wait(timeout=1.0)
        return False


def endangered(settings: Settings, config: Path | None) -> tuple[Path, ...]:
    """Return the paths in the settings that macOS protects, each once; none on other systems."""
    if sys.platform != "darwin":
        return ()
    github = settings.github
    named = [
        settings.fine_tuning.workspace_dir, settings.daemon.state_dir, settings.daemon.drop_folder, github.token_file,
        *(path for watched in github.repositories for path in (watched.source, watched.token_file)),
    ]  # fmt: skip
    paths = [Path(name).expanduser().absolute() for name in named if name]
    return tuple(dict.fromkeys(path for path in (*paths, *([config.absolute()] if config else [])) if protected(path)))


def warning(path: Path) -> str:
    """Return a sentence for a path that may make trouble."""
    return f"{path} is under macOS' privacy protection: grant this Python Full Disk Access, or use another folder."


def silent(paths: tuple[Path, ...], seconds: float = SECONDS) -> Path | None:
    """Return the first of these paths that doesn't answer in time; what isn't there yet is asked for by its folder."""
    for path in paths:
        nearest = next(place for place in (path, *path.parents) if os.path.lexists(place))
        if not answers(nearest, seconds):
            return path
    return None


def _folded(path: Path) -> Path:
    return Path(str(path).casefold())
