"""Folders that macOS protects: a background service that touches one may be refused, or hang for ever."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

PROTECTED = ("Desktop", "Documents", "Downloads", "Library/Mobile Documents", "Library/CloudStorage")
SECONDS = 5.0


def protected(path: Path, home: Path | None = None) -> bool:
    """Tell whether a path lies under privacy protection."""
    root = home or Path.home()
    return any(path.is_relative_to(root / name) for name in PROTECTED)


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


def warnings(paths: tuple[Path, ...], home: Path | None = None) -> tuple[str, ...]:
    """Return a sentence for each path that may make trouble."""
    return tuple(
        f"{path} is under macOS' privacy protection: grant this Python Full Disk Access, or use another folder."
        for path in paths
        if protected(path, home)
    )
