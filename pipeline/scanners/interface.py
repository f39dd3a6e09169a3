"""The seam between a report's bytes and findings: what a scanner's file must provide.

A reader is given a report that was recognised as its own and yields, in the report's order,
what it says: a `RawFinding` for each weakness, a `Fault` for each part that can't be read or
that the scanner itself says it could not scan. A reader never drops anything in silence and
never turns a failure into "nothing found".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from config.errors import InputRefused
from pipeline.records import Domain, FlowStep, Hints, Location, Record, Rule, Scanner, Severity

LINE = "line "
"""Begins the pointer into a report that is read by lines; the line's number follows."""

FIX_LEFT_OUT = "fix-left-out"
"""Flag of a finding for which the report proposes a fix that can't be placed, or is too long to keep whole."""


class ReportRefused(InputRefused):
    """The report as a whole can't be read; the message is the reason that stands in rejected.jsonl."""


class RawFinding(Record):
    """One weakness as a scanner reports it, in our words, before redaction and identity.

    `pointer` is the JSON pointer (or XML/CSV place) in the report. `secrets` are values the
    scanner itself reports as secrets: they are redacted wherever they occur and never written.
    `commit` is the one that the report itself says it is of.
    """

    scanner: Scanner
    rule: Rule
    severity: Severity
    domain: Domain
    location: Location
    message: str
    pointer: str
    cvss: float | None = None
    snippet: str | None = None
    aliases: tuple[str, ...] = ()
    hints: Hints = Hints()
    flow: tuple[FlowStep, ...] = ()
    flags: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    commit: str | None = None


class Fault(Record):
    """A part of a report that gave no finding although it should have: where, and why."""

    pointer: str
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report to read. `path` is on disk, already decoded to UTF-8 without BOM and unpacked;
    `name` is its path inside the artifact; `head` is its first 64 KiB of text."""

    path: Path
    name: str
    head: str
    size: int


class Reader(Protocol):
    """One scanner's format. `recognise` decides from content
    alone, cheaply. `read` may raise ReportRefused when the document as a whole is broken.
    """

    @property
    def name(self) -> str:
        """The scanner's name as it stands in findings."""
        ...

    def recognise(self, report: Report) -> bool:
        """Tell whether this reader can read the report, from its content and not its name."""
        ...

    def read(self, report: Report) -> Iterator[RawFinding | Fault]:
        """Yield what the report says, in its own order."""
        ...
