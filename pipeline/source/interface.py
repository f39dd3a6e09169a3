"""The seam of the source room: a tree of files, read only, and why a file in it can't be read."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol, Self

from config.errors import Error, InputRefused
from config.settings import Source
from pipeline.records import Record

Span = tuple[int, int]
"""First and last line, 1-based and inclusive."""

MAX_FILE_BYTES = Source().max_file_bytes
MAX_FILES = Source().max_files


class SourceError(Error):
    """A source tree can't be read at all: no such folder, git failed."""


class MissingCommit(InputRefused):
    """The repository given as source doesn't hold the commit asked for."""


def is_text(path: str) -> bool:
    """Tell whether a path can be written down; a file name may be any bytes, which no report can say."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


class Absence(StrEnum):
    """Why a path of a tree gives no text; each is counted by the stage `locate`."""

    NO_FILE = "no_such_file"
    OUTSIDE = "outside_the_tree"
    TOO_LARGE = "too_large"
    SUBMODULE = "in_a_submodule"
    LFS_POINTER = "lfs_pointer"
    BINARY = "binary"
    NOT_FETCHED = "not_fetched"
    UNREADABLE = "unreadable"


class Reading(Record):
    """What reading a path gave: its bytes, or why there are none."""

    content: bytes | None = None
    absence: Absence | None = None


class SourceTree(Protocol):
    """The files of one state of a repository. Paths are relative, with `/`; nothing is ever written."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when `examine` would name a reason."""
        ...

    def examine(self, path: str) -> Reading:
        """Return a file's bytes, or the reason why it can't be read."""
        ...

    def files(self) -> Iterator[str]:
        """Yield the paths of all files, sorted; names that aren't UTF-8 are left out."""
        ...

    def digest(self) -> str:
        """Return what identifies this state: a commit id, or a digest of names and contents."""
        ...

    def close(self) -> None:
        """End what was opened for reading."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
