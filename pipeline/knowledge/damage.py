"""Files that only save time (the index, the vectors): when one is damaged it is made again, not reported."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from pipeline.knowledge.interface import KnowledgeError

_NOT_THE_FILE = ("BUSY", "LOCKED", "FULL", "IOERR", "READONLY", "CANTOPEN", "NOMEM", "PERM", "AUTH")
Result = TypeVar("Result")


class Damaged(KnowledgeError):
    """The file `path` holds what can't be read; without it the same is computed again."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message, "Remove it; it is built again.")
        self.path = path


@contextmanager
def told(path: Path, what: str = "index") -> Iterator[None]:
    """Turn SQLite's errors about a file into ours: Damaged where removing it helps, else KnowledgeError."""
    try:
        yield
    except (sqlite3.Error, msgspec.DecodeError) as error:
        message = f"The {what} {path} can't be used: {error}."
        name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
        if name.startswith(_NOT_THE_FILE):
            raise KnowledgeError(
                message, "Look at the disk's room and rights, and at what else works there."
            ) from error
        raise Damaged(path, message) from error


def made_again(work: Callable[[], Result]) -> Result:
    """Return what `work` does; once more without each file that turns out to be damaged."""
    for _ in range(2):
        try:
            return work()
        except Damaged as error:
            for ending in ("", "-journal", "-wal", "-shm"):
                error.path.with_name(f"{error.path.name}{ending}").unlink(missing_ok=True)
    return work()
