"""Recognising processes that were started for a run: by a random mark in their environment, and by number.

A process number alone proves nothing, it may have been given to a stranger since: it counts with its start time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from config.errors import Error

VARIABLE = "FIXSMITH_RUN_TOKEN"
PAUSE = 0.1
LIST_SECONDS = 10.0
KILL_SECONDS = 30.0  # one that hangs in the kernel doesn't go; it isn't waited for without end


def marked(token: str) -> list[int]:
    """Return the numbers of this user's living processes that carry the token."""
    mark = f"{VARIABLE}={token}"
    found = _marked_by_ps(mark) if sys.platform == "darwin" else _marked_by_proc(mark.encode())
    return [number for number in found if number != os.getpid()]


class Identity(NamedTuple):
    """A process as it was recorded: its number, and when it started in the system's own words."""

    number: int
    started: str


def started(number: int) -> str | None:
    """Return when a process started, in words that differ for another process of that number; None without one."""
    if sys.platform == "darwin":
        return _ps("-o", "lstart=", "-p", str(number)).strip() or None
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else f"{boot}:{fields[19]}"


def belonging(token: str, recorded: Identity | None = None) -> list[int]:
    """Return what carries the token, and the recorded process with its group if it is still the same one."""
    found = set(marked(token)) if token else set()
    if recorded is not None and started(recorded.number) == recorded.started:
        found |= {recorded.number, *_group(recorded.number)} - {os.getpid()}
    return sorted(found)


def end(token: str, seconds: float, recorded: Identity | None = None) -> int:
    """End every process of a run: first by request, after `seconds` by force; return how many."""
    numbers = belonging(token, recorded)
    ended = len(numbers)
    deadline = time.monotonic() + seconds
    _signal(numbers, signal.SIGTERM)
    while (numbers := belonging(token, recorded)) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    deadline = time.monotonic() + KILL_SECONDS
    while (numbers := belonging(token, recorded)) and time.monotonic() < deadline:
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


def _group(number: int) -> list[int]:
    """Return the processes of the group that a process leads."""
    if sys.platform == "darwin":
        listing = [line.split() for line in _ps("-axo", "pid=,pgid=").splitlines()]
        return [int(words[0]) for words in listing if words[1:] == [str(number)]]
    return [found for found in _numbers() if _leader(found) == number]


def _leader(number: int) -> int | None:
    try:
        return os.getpgid(number)
    except OSError:
        return None


def _numbers() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _ps_numbers(*arguments: str) -> list[int]:
    return [int(word) for word in _ps(*arguments).split() if word.isdigit()]


def _ps(*arguments: str) -> str:
    command = ["/bin/ps", *arguments]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=LIST_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Error(f"`ps` doesn't answer ({type(error).__name__}).", "It is asked again.") from error
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
        except (ProcessLookupError, PermissionError):
            continue
