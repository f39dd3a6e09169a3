"""The seam: a family of manifest files finds a package's entry and writes another version into it."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """Lines `first` to `last` (1-based, inclusive) that fix a package's version, split round that version.

    `pieces` joined by a version give the lines, without the last line's end.
    """

    first: int
    last: int
    version: str
    pieces: tuple[str, ...]

    def rewritten(self, version: str) -> str:
        """Return the entry's lines with another version."""
        return version.join(self.pieces)


class Family(Protocol):
    """One kind of manifest."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        ...

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        ...


def on_line(number: int, line: str, start: int, end: int) -> Entry:
    """Return the entry whose version stands in one line, from column `start` to `end` (0-based)."""
    return Entry(number, number, line[start:end], (line[:start], line[end:]))
