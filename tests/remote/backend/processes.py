"""Finding and killing processes by what they run."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def running(words: str) -> list[int]:
    """Return the processes whose command line holds `words`."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode() if folder.name.isdigit() else ""
            if words in line and "pytest" not in line.partition(" -m ")[2][:8]:
                found.append(int(folder.name))
    return found


def kill(processes: list[int], what: str, number: int = signal.SIGKILL) -> str:
    """Kill outright unless told otherwise; what there was to kill is asserted."""
    assert processes, what
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return what
