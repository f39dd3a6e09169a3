"""Running one of the system's small programs, briefly."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SECONDS = 5.0


def ask(*command: str) -> str | None:
    """Return a program's output, None when it isn't there, fails or takes too long."""
    try:
        result = subprocess.run(
            command, capture_output=True, timeout=SECONDS, check=False, text=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return result.stdout if result.returncode == 0 else None


def free(folder: Path) -> int | None:
    """Return the free bytes of a folder's disk, None when it doesn't say (it may be unplugged)."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
