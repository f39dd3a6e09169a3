"""The seam of the verification room: a runner starts one scanner on a folder of many cases at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from config.errors import Error
from pipeline.records import Record, Severity


class ScannerMissing(Error):
    """The scanner isn't installed here, or its rules aren't."""


class ScannerFailed(Error):
    """The scanner ran and failed: crash, time or memory limit, a report nobody can read."""


class Observed(Record):
    """One finding of a repeated scan, without any text of the code. Lines are 1-based and inclusive."""

    rules: tuple[str, ...]
    severity: Severity
    path: str
    start_line: int
    end_line: int


class Scan(Record):
    """What a scanner says of one case; `broken` is its reason when it could not read the code."""

    findings: tuple[Observed, ...] = ()
    broken: str | None = None


Files = Mapping[str, bytes]
"""A case to scan: the files of a small tree, by path."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a scanner is started here: its program, and the user's or the repository's own rules."""

    program: str
    version: str
    rules: Path | None = None


class Runner(Protocol):
    """One scanner.

    `scanners` are the names findings give it; `programs` the executables to look for.
    """

    @property
    def name(self) -> str:
        """The runner's name, as in settings."""
        ...

    @property
    def scanners(self) -> tuple[str, ...]:
        """Scanner names of findings it can verify, in lower case."""
        ...

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the executable."""
        ...

    @property
    def needs_rules(self) -> bool:
        """Tell whether it finds nothing without rules of the user's."""
        ...

    def reads(self, path: str) -> bool:
        """Tell whether the scanner looks at such a file at all."""
        ...

    def prepare(self, folder: Path) -> None:
        """Put into the batch's root what keeps the scanner from skipping files."""
        ...

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line; it runs in the batch's root and writes `report` (or stdout)."""
        ...

    def environment(self) -> dict[str, str]:
        """Return variables the scanner needs beside the bare ones."""
        ...

    def broken(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield (path, reason) for each file the report says it could not read."""
        ...
