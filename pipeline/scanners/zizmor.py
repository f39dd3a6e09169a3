"""zizmor: its JSON (0-based lines and columns, `json` and `json-v1`) and its SARIF (1-based)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.records import Domain, Hints, Rule, Scanner
from pipeline.scanners import severity
from pipeline.scanners.document import ItemRefused, Said, each, elements, load
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, named_severity, word_of

_PREFIX = "zizmor/"
_DOCS = "https://docs.zizmor.sh/audits/#"


class _Determinations(msgspec.Struct, frozen=True):
    severity: str | None = None
    confidence: str | None = None


class _Symbolic(msgspec.Struct, frozen=True):
    key: dict[str, Any] | None = None
    annotation: str | None = None
    kind: str | None = None


class _Point(msgspec.Struct, frozen=True):
    row: int
    column: int


class _Span(msgspec.Struct, frozen=True):
    start_point: _Point
    end_point: _Point


class _Concrete(msgspec.Struct, frozen=True):
    location: _Span
    feature: str | None = None


class _Place(msgspec.Struct, frozen=True):
    symbolic: _Symbolic
    concrete: _Concrete


class _Fix(msgspec.Struct, frozen=True):
    title: str | None = None


class _Finding(msgspec.Struct, frozen=True):
    ident: str
    desc: str = ""
    url: str | None = None
    determinations: _Determinations = _Determinations()
    locations: list[_Place] | None = None
    ignored: bool | None = None
    fixes: list[_Fix | str] | None = None


def _finding(found: _Finding, pointer: str) -> Iterator[RawFinding]:
    primary = _primary(found.locations or [])
    place, word = (
        place_of(_path(primary.symbolic.key or {})),
        severity.from_word("zizmor", found.determinations.severity),
    )
    start, end = primary.concrete.location.start_point, primary.concrete.location.end_point
    titles = [fix if isinstance(fix, str) else fix.title for fix in found.fixes or []]
    yield RawFinding(
        scanner=Scanner(name="zizmor"),
        rule=Rule(id=found.ident, name=found.desc or None, help_uri=found.url),
        severity=severity.first(word),
        domain=Domain.IAC,
        location=file_location(place.path, start.row + 1, end.row + 1, start.column + 1, end.column + 1),
        message=": ".join(part for part in (found.desc, primary.symbolic.annotation) if part),
        pointer=pointer,
        snippet=primary.concrete.feature or None,
        hints=Hints(fix_text=next((title for title in titles if title), None)),
        flags=(*place.flags, *(("suppressed",) if found.ignored else ()), *severity.flags_for(word)),
    )


def _primary(places: list[_Place]) -> _Place:
    """Take the place zizmor marks as primary; in old versions, the first."""
    for place in places:
        if place.symbolic.kind == "Primary":
            return place
    if not places:
        raise ItemRefused("names no place")
    return places[0]


def _path(key: dict[str, Any]) -> str:
    """Read the path in the spellings of zizmor's versions; a remote repository's is its own."""
    inner = next((value for value in key.values() if isinstance(value, dict)), key)
    for name in ("verbatim_path", "given_path", "path", "name"):
        if isinstance(inner.get(name), str):
            return str(inner[name])
    raise ItemRefused("names no file")


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """Rule ids without their prefix, as in JSON; zizmor's own severity beside SARIF's level."""
    identity = finding.rule.id.removeprefix(_PREFIX)
    finding = named_severity(finding, "zizmor", word_of(seen, "zizmor/severity"))
    named = seen.rule.help.text if seen.rule.help else None
    rule = Rule(
        id=identity, name=named or None, cwes=finding.rule.cwes, help_uri=finding.rule.help_uri or _DOCS + identity
    )
    return msgspec.structs.replace(
        finding,
        rule=rule,
        domain=Domain.IAC,
        flow=(),
    )


def _is_native(seen: Outline, head: str) -> bool:
    """A list of findings with ident and determinations."""
    del head
    return seen.kind == "array" and {"ident", "determinations"} <= seen.keys


def _read(report: Report) -> Iterator[Said]:
    """Read each finding."""
    findings, faults = load(report, list[msgspec.Raw])
    yield from each(elements(findings, ""), _Finding, _finding)
    yield from faults


DIALECT = Dialect(scanner="zizmor", tools=("zizmor",), refine=_refine)
READER = FormatReader(name="zizmor", native=_is_native, decode=_read, dialect=DIALECT)
