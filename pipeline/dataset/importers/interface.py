"""The seam of the importers: a published set's own files in, labelled code out, its counts checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from config.errors import InputRefused
from pipeline.records import Record

Counts = Mapping[str, int]
"""How many of what a set holds, such as `vulnerable` and `safe`."""


class Labelled(Record):
    """A piece of code that a published set calls vulnerable or safe.

    `pair` is shared by the two sides of a fix. `part` is the part its authors put it in, if any.
    """

    id: str
    source: str
    code: str
    vulnerable: bool
    language: str = ""
    pair: str | None = None
    cwes: tuple[int, ...] = ()
    cves: tuple[str, ...] = ()
    project: str | None = None
    commit: str | None = None
    path: str | None = None
    part: str | None = None


class WrongCount(InputRefused):
    """A file holds another number of rows than the set it is said to be: cut off, or another release."""


class Importer(Protocol):
    """One published set."""

    @property
    def name(self) -> str:
        """The set's name, as in `fixsmith dataset import --from`."""
        ...

    @property
    def releases(self) -> Mapping[str, Counts]:
        """What each published release holds, as its authors give it."""
        ...

    def read(self, path: Path) -> Iterator[Labelled]:
        """Yield the rows in the files' order; raise InputRefused when the files aren't this set's."""
        ...

    def counts(self, path: Path) -> dict[str, int]:
        """Return how many the files hold of what `releases` counts."""
        ...


def check(importer: Importer, path: Path) -> str:
    """Return the release whose counts the files have; raise WrongCount when they have no release's."""
    found = importer.counts(path)
    for release, counts in importer.releases.items():
        if {name: found.get(name) for name in counts} == dict(counts):
            return release
    known = "; ".join(f"{release}: {_told(counts)}" for release, counts in importer.releases.items())
    raise WrongCount(
        f"These files hold {_told(found)}, no release of {importer.name} does ({known}).",
        "Fetch the set again, or take what is there with --partial.",
    )


def identifier(*parts: str) -> str:
    """Return a short name for a row, from what makes it the row it is."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _told(counts: Counts) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())
