"""Recognising processes that were started for a run, by a random mark in their environment.

A process number alone proves nothing: it may have been given to a stranger since.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

VARIABLE = "FIXSMITH_RUN_TOKEN"
PAUSE = 0.1
LIST_SECONDS = 10.0


def marked(token: str) -> list[int]:
    """Return the numbers of this user's living processes that carry the token."""
    mark = f"{VARIABLE}={token}"
    found = _marked_by_ps(mark) if sys.platform == "darwin" else _marked_by_proc(mark.encode())
    return [number for number in found if number != os.getpid()]


def end(token: str, seconds: float) -> int:
    """End every process that carries the token: first by request, after `seconds` by force; return how many."""
    numbers = marked(token)
    ended = len(numbers)
    deadline = time.monotonic() + seconds
    _signal(numbers, signal.SIGTERM)
    while (numbers := marked(token)) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    while numbers := marked(token):
        _signal(numbers, signal.SIGKILL)
        time.sleep(PAUSE)
    return ended


def resident_bytes(token: str) -> int:
    """Return the resident memory of all processes that carry the token, shared pages counted in each."""
    numbers = marked(token)
    if sys.platform == "darwin":
        return 1024 * sum(_ps_numbers("-o", "rss=", "-p", ",".join(map(str, numbers)))) if numbers else 0
    return sum(_proc_resident(number) for number in numbers)


def _marked_by_proc(mark: bytes) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0") and not _is_dead(entry):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _is_dead(entry: Path) -> bool:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")


def _marked_by_ps(mark: str) -> list[int]:
    listing = _ps("-E", "-ww", "-axo", "pid=,command=")
    return [int(line.split()[0]) for line in listing.splitlines() if mark in line.split()]


def _ps_numbers(*arguments: str) -> list[int]:
    return [int(word) for word in _ps(*arguments).split() if word.isdigit()]


def _ps(*arguments: str) -> str:
    command = ["/bin/ps", *arguments]
    result = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=LIST_SECONDS, check=False
    )
    return result.stdout


def _proc_resident(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _signal(numbers: list[int], kind: signal.Signals) -> None:
    for number in numbers:
        try:
            os.kill(number, kind)
        except ProcessLookupError:
            continue
