"""hadolint: its JSON and its SARIF (which has no list of rules)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.records import Domain, FileLocation, Rule, Scanner
from pipeline.scanners import severity
from pipeline.scanners.document import Said, each, elements, load
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen

UNPARSED = "DL1000"
_WIKI = "https://github.com/hadolint/hadolint/wiki/"
_SHELLCHECK = "https://www.shellcheck.net/wiki/"


class _Result(msgspec.Struct, frozen=True):
    code: str
    file: str
    message: str = ""
    level: str | None = None
    line: int | None = None
    column: int | None = None


def _finding(result: _Result, pointer: str) -> Iterator[Said]:
    if result.code == UNPARSED:
        yield Fault(pointer=pointer, reason=f"hadolint could not parse {result.file}")
        return
    place, level = place_of(result.file), severity.from_word("hadolint", result.level)
    yield RawFinding(
        scanner=Scanner(name="hadolint"),
        rule=_rule(result.code),
        severity=severity.first(level),
        domain=Domain.CONTAINER,
        location=file_location(place.path, result.line, result.line, result.column),
        message=result.message,
        pointer=pointer,
        flags=(*place.flags, *severity.flags_for(level)),
    )


def _rule(code: str) -> Rule:
    return Rule(id=code, help_uri=(_SHELLCHECK if code.startswith("SC") else _WIKI) + code)


def _refine(finding: RawFinding, seen: Seen) -> RawFinding | Fault:
    """Its SARIF marks the flagged character only; JSON has no end, so neither has ours."""
    if finding.rule.id == UNPARSED:
        return Fault(pointer=finding.pointer, reason="hadolint could not parse the file")
    location = finding.location
    if isinstance(location, FileLocation):
        location = file_location(location.path, location.start_line, location.start_line, location.start_column)
    level = {"note": "info"}.get(seen.level, seen.level)
    return msgspec.structs.replace(
        finding,
        rule=_rule(finding.rule.id),
        location=location,
        domain=Domain.CONTAINER,
        severity=severity.first(severity.from_word("hadolint", level)),
    )


def _is_native(seen: Outline, head: str) -> bool:
    """A list of messages with rule code, level and file."""
    del head
    return seen.kind == "array" and {"code", "level", "file", "line"} <= seen.keys


def _read(report: Report) -> Iterator[Said]:
    """Read each message."""
    results, faults = load(report, list[msgspec.Raw])
    yield from each(elements(results, ""), _Result, _finding)
    yield from faults


DIALECT = Dialect(scanner="hadolint", tools=("hadolint",), refine=_refine)
READER = FormatReader(name="hadolint", native=_is_native, decode=_read, dialect=DIALECT)
