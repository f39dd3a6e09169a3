"""What a storage is: names and whole files. Both ends of a remote run see the same one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

import msgspec

from config.errors import InputRefused

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
LONGEST_FILE = 64 * 1000**3
"""Bytes of one file that are fetched; the largest known shard of a model has 10 GB."""
CHUNK = 1 << 20


class Entry(msgspec.Struct, frozen=True, order=True):
    """A stored file: its name below the storage's root, its size in bytes."""

    name: str
    size: int


class Storage(Protocol):
    """Files by name (`run/attempts/…`). A file is there whole or not at all.

    Raises `Gone` for a name that isn't there, `Unreachable` for what the network did.
    """

    def entries(self, prefix: str) -> list[Entry]:
        """Return the files below `prefix`, by name; none is no error."""
        ...

    def read(self, name: str, start: int = 0, longest: int = CHUNK) -> bytes:
        """Return at most `longest` bytes of a file from `start` on."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Put `content` there, over what was."""
        ...

    def put(self, source: Path, name: str) -> None:
        """Copy a local file there, over what was."""
        ...

    def get(self, name: str, target: Path) -> None:
        """Copy a file to the local `target`, whose folder exists."""
        ...

    def delete(self, prefix: str) -> None:
        """Remove everything below `prefix`; nothing there is no error."""
        ...


def checked(name: str) -> str:
    """Return a name that can't leave its root nor mean anything to a shell; raise InputRefused otherwise."""
    if len(name) > 1024 or not all(_PART.fullmatch(part) for part in name.split("/")):
        raise InputRefused(f"{name[:80]!r} is no name of a stored file.", "Look into the storage: who put it there?")
    return name
