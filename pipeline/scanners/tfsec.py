"""tfsec: its JSON (current and legacy rule ids) and its SARIF."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.records import FileLocation, Hints, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.document import Said, each, elements, load
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen

_PASSED = (1, "1", "passed")
_IGNORED = (2, "2", "ignored")


class _Range(msgspec.Struct, frozen=True):
    filename: str = ""
    start_line: int | None = None
    end_line: int | None = None


class _Result(msgspec.Struct, frozen=True):
    rule_id: str
    location: _Range
    long_id: str | None = None
    legacy_rule_id: str | None = None
    rule_description: str | None = None
    description: str = ""
    impact: str | None = None
    resolution: str | None = None
    severity: str | None = None
    status: str | int | None = None
    passed: bool | None = None
    link: str | None = None
    links: list[str] | None = None
    resource: str | None = None


class _Log(msgspec.Struct, frozen=True):
    results: list[msgspec.Raw] | None = None


def _finding(result: _Result, pointer: str) -> Iterator[RawFinding]:
    if result.status in _PASSED or result.passed:
        return
    place, word = place_of(result.location.filename), severity.from_word("tfsec", result.severity)
    identity = result.long_id or result.rule_id
    suppressed = ("suppressed",) if result.status in _IGNORED else ()
    yield RawFinding(
        scanner=Scanner(name="tfsec"),
        rule=Rule(
            id=identity,
            name=result.rule_description,
            help=result.impact,
            help_uri=next(iter(result.links or ()), result.link),
        ),
        severity=severity.first(word),
        domain=domain.of_configuration(identity, place.path),
        location=file_location(place.path, result.location.start_line, result.location.end_line),
        message=result.description or result.rule_description or identity,
        pointer=pointer,
        hints=Hints(fix_text=result.resolution or None),
        flags=(*place.flags, *suppressed, *severity.flags_for(word)),
    )


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    del seen
    path = finding.location.path if isinstance(finding.location, FileLocation) else ""
    return msgspec.structs.replace(finding, domain=domain.of_configuration(finding.rule.id, path))


def _is_native(seen: Outline, head: str) -> bool:
    """Results of Terraform rules; `{"results": null}` is what old versions write for none."""
    del head
    if seen.results:
        return "rule_id" in seen.results and not {"rule_provider", "location"}.isdisjoint(seen.results)
    return seen.keys == {"results"} and seen.results_are_null


def _read(report: Report) -> Iterator[Said]:
    """Read each result that didn't pass."""
    log, faults = load(report, _Log)
    yield from each(elements(log.results, "/results"), _Result, _finding)
    yield from faults


DIALECT = Dialect(scanner="tfsec", tools=("tfsec", "defsec"), refine=_refine)
READER = FormatReader(name="tfsec", native=_is_native, decode=_read, dialect=DIALECT)
