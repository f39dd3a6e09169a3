"""One process at a time in a folder: the kernel lets go of the lock however its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import Postponed


@contextmanager
def exclusive(folder: Path, flag: str = "--output-dir") -> Iterator[None]:
    """Hold the folder's lock; raise Postponed when another process holds it. `flag` names another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Postponed(
                f"Another run is working in {folder}.", f"Wait for it to end, or choose another {flag}."
            ) from error
        yield
    finally:
        os.close(descriptor)
