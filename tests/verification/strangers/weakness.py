"""A weakness in a file as someone else would write it, with fixes that are right and fixes that only look so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.fixes.interface import Snapshot
from pipeline.records import Domain, Finding, Fix, Severity
from tests.verification.trees import finding, fix, snapshot

Edits = tuple[tuple[str, str], ...]
"""What is written over: each first text stands once in the file and becomes the second."""


class Weakness(NamedTuple):
    """A file, the scanner and rule that report it, and a text that stands in the flagged line.

    `good` are names and edits; `bad` are checks (several may be right, separated by "|"), names and edits.
    """

    scanner: str
    rule: str
    path: str
    text: str
    flagged: str
    good: tuple[tuple[str, Edits], ...] = ()
    bad: tuple[tuple[str, str, Edits], ...] = ()
    severity: Severity = Severity.HIGH
    domain: Domain = Domain.SAST
    lines: int = 1

    def about(self) -> Finding:
        """The finding as CI reported it."""
        first = next(n for n, line in enumerate(self.text.split("\n"), 1) if self.flagged in line)
        return finding(
            self.path, first, first + self.lines - 1, scanner=self.scanner, rule=self.rule, severity=self.severity,
            domain=self.domain,
        )  # fmt: skip

    def here(self) -> Snapshot:
        return snapshot({self.path: self.text})

    def fixed(self, edits: Edits) -> Fix:
        """The fix that rewrites the whole file."""
        after = self.text
        for old, new in edits:
            assert after.count(old) == 1, (self.path, old, after.count(old))
            after = after.replace(old, new)
        return fix(self.about(), self.text, 1, self.text.count("\n"), after)

    def goods(self) -> Iterator[tuple[str, Fix]]:
        for name, edits in self.good:
            yield name, self.fixed(edits)

    def bads(self) -> Iterator[tuple[str, str, Fix]]:
        for check, name, edits in self.bad:
            yield check, name, self.fixed(edits)


def line(old: str, new: str) -> Edits:
    """One edit."""
    return ((old, new),)
