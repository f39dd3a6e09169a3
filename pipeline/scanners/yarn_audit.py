"""Yarn's audit: JSON lines of Yarn 1 (`yarn audit --json`) and of Yarn 4 (`yarn npm audit --json`).

Yarn 1 repeats an advisory for every way that leads to the package: it is read once. Yarn 2 and 3
write what npm 6 writes, and are read as that.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.records import Hints, PackageLocation, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.document import LONGEST_QUOTED, Said, content, each, quoted
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import LINE, Fault, RawFinding, Report
from pipeline.scanners.npm_audit import OldAdvisory, identity_of, of_old_advisory, versions_above
from pipeline.scanners.outline import Outline

SCANNER = Scanner(name="yarn-audit")
SUMMARY = "auditSummary"
ADVISORY = "auditAdvisory"


class _Line(msgspec.Struct, frozen=True):
    """A line of Yarn 1; `data` is a text or an object by its type."""

    type: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Data(msgspec.Struct, frozen=True):
    advisory: OldAdvisory


class _Children(msgspec.Struct, frozen=True):
    id: int | str | None = msgspec.field(name="ID", default=None)
    issue: str = msgspec.field(name="Issue", default="")
    url: str | None = msgspec.field(name="URL", default=None)
    severity: str | None = msgspec.field(name="Severity", default=None)
    vulnerable: str | None = msgspec.field(name="Vulnerable Versions", default=None)
    versions: list[str] | None = msgspec.field(name="Tree Versions", default=None)


class _Tree(msgspec.Struct, frozen=True):
    """A line of Yarn 4: a package, and what is said of it."""

    value: str
    children: _Children


class _Classic:
    """The lines of one Yarn 1 report."""

    def __init__(self) -> None:
        self.finished = False
        self._seen: set[str] = set()

    def line(self, line: _Line, pointer: str) -> Iterator[Said]:
        """Yield what a line says."""
        if line.type == ADVISORY:
            advisory = msgspec.json.decode(line.data, type=_Data).advisory
            if str(advisory.id) not in self._seen:
                self._seen.add(str(advisory.id))
                yield from of_old_advisory(advisory, pointer, SCANNER)
        elif line.type == "error":
            said = quoted(bytes(line.data)[:LONGEST_QUOTED].decode("utf-8", "replace"))
            yield Fault(pointer=pointer, reason=f"Yarn reports an error: {said}")
        self.finished = self.finished or line.type == SUMMARY


def _of_tree(tree: _Tree, pointer: str) -> Iterator[RawFinding]:
    """Yield a finding for each version in the tree."""
    found = tree.children
    known = (severity.from_word("npm", found.severity),)
    identity = identity_of(found.url, found.id)
    for version in dict.fromkeys(found.versions or ("",)):
        yield RawFinding(
            scanner=SCANNER,
            rule=Rule(id=identity, name=found.issue or None, help_uri=found.url),
            severity=severity.first(*known),
            domain=domain.of_package(in_image=False),
            location=PackageLocation(ecosystem="npm", name=tree.value, version=version or None),
            message=found.issue or identity,
            pointer=pointer,
            hints=Hints(fixed_versions=versions_above(found.vulnerable)),
            flags=severity.flags_for(*known),
        )


def _is_native(seen: Outline, head: str) -> bool:
    """Lines of a type and data with an audit among them, or of a package and what is said of it."""
    if seen.keys == {"type", "data"}:
        return f'"{ADVISORY}"' in head or f'"{SUMMARY}"' in head
    return seen.keys == {"value", "children"} and '"Severity"' in head


def _lines(report: Report) -> Iterator[tuple[str, msgspec.Raw]]:
    text = content(report)
    for number, line in enumerate(iter(text.readline, b""), 1):
        if line.strip():
            yield f"{LINE}{number}", msgspec.Raw(line)


def _read(report: Report) -> Iterator[Said]:
    """Read each line; a line that can't be read is a fault, the others go on."""
    if '"children"' in report.head.partition("\n")[0]:
        yield from each(_lines(report), _Tree, _of_tree)
        return
    classic = _Classic()
    yield from each(_lines(report), _Line, classic.line)
    if not classic.finished:
        yield Fault(pointer="", reason="has no summary at its end: the audit did not finish, or the report breaks off")


READER = FormatReader(name="yarn-audit", native=_is_native, decode=_read)
