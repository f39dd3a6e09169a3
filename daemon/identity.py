"""One service for a workspace: a lock that goes with the process, and who holds it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import msgspec

from config.errors import Error

LOOKS = 10
LOOK_SECONDS = 0.05


class Holder(msgspec.Struct, frozen=True):
    """The service that runs: its process number and since when (seconds since 1970)."""

    pid: int
    since: float


class Instance:
    """The lock of the one service. The system lets it go when the process ends, however that is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, now: float) -> None:
        """Take the lock; raises Error when another service has it."""
        descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if not any(_lock(descriptor) for _ in range(LOOKS)):
            os.close(descriptor)
            raise Error(f"Another service works on this workspace ({self.path.parent}).", "`fixsmith status` shows it.")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, msgspec.json.encode(Holder(os.getpid(), now)))
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the lock go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> bool:
    """Try to take the lock; `holder` has it for an instant while it looks, so one refusal proves nothing."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(LOOK_SECONDS)
        return False
    return True


def holder(path: Path) -> Holder | None:
    """Return who holds the lock now, None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _read(descriptor)
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.read(descriptor, 4096), type=Holder)
    except msgspec.DecodeError:
        return None
