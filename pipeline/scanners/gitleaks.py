"""Gitleaks: its JSON (version 7 and 8) and its SARIF. What it matched is kept only to be redacted."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.records import Domain, FileLocation, Rule, Scanner
from pipeline.scanners import severity
from pipeline.scanners.document import Said, each, elements, load
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import RawFinding, Report
from pipeline.scanners.outline import Outline, outline
from pipeline.scanners.places import file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, word_of

REDACTED = "REDACTED"


class _Leak(msgspec.Struct, frozen=True, rename="pascal"):
    rule_id: str = msgspec.field(name="RuleID")
    file: str = ""
    description: str = ""
    start_line: int | None = None
    end_line: int | None = None
    start_column: int | None = None
    end_column: int | None = None
    match: str = ""
    secret: str = ""


class _OldLeak(msgspec.Struct, frozen=True, rename="camel"):
    rule: str
    file: str
    line_number: int | None = None
    line: str = ""
    offender: str = ""


def _leak(leak: _Leak, pointer: str) -> Iterator[RawFinding]:
    """Gitleaks counts columns from 1 and its end column is the last character's."""
    place = place_of(leak.file)
    right = leak.end_column + 1 if leak.end_column else None
    yield RawFinding(
        scanner=Scanner(name="gitleaks"),
        rule=Rule(id=leak.rule_id, name=leak.description or None),
        severity=severity.SECRET,
        domain=Domain.SECRETS,
        location=file_location(place.path, leak.start_line, leak.end_line, leak.start_column, right),
        message=leak.description or leak.rule_id,
        pointer=pointer,
        snippet=leak.match or None,
        flags=place.flags,
        secrets=secret_values(leak.secret or leak.match),
    )


def _old_leak(leak: _OldLeak, pointer: str) -> Iterator[RawFinding]:
    place = place_of(leak.file)
    yield RawFinding(
        scanner=Scanner(name="gitleaks"),
        rule=Rule(id=leak.rule),
        severity=severity.SECRET,
        domain=Domain.SECRETS,
        location=file_location(place.path, leak.line_number, leak.line_number),
        message=leak.rule,
        pointer=pointer,
        snippet=leak.line or None,
        flags=place.flags,
        secrets=secret_values(leak.offender),
    )


def secret_values(*texts: str | None) -> tuple[str, ...]:
    """Keep what has to be redacted: not nothing, and not what Gitleaks itself redacted."""
    kept = (text.strip() for text in texts if text)
    return tuple(dict.fromkeys(text for text in kept if text and text != REDACTED))


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """In Gitleaks' SARIF the snippet is the secret itself; version 7 had no rule ids but an offender."""
    identity = finding.rule.id or finding.message.removesuffix(" secret detected")
    offender = secret_values(word_of(seen, "offender"))
    location = finding.location
    if isinstance(location, FileLocation) and location.end_column is not None:
        location = msgspec.structs.replace(location, end_column=location.end_column + 1)
    return msgspec.structs.replace(
        finding,
        location=location,
        rule=msgspec.structs.replace(finding.rule, id=identity),
        severity=severity.SECRET,
        domain=Domain.SECRETS,
        secrets=offender or secret_values(finding.snippet),
    )


DIALECT = Dialect(scanner="gitleaks", tools=("gitleaks",), refine=_refine)


def _is_native(seen: Outline, head: str) -> bool:
    """A list of leaks as version 8 or 7 writes them."""
    del head
    return seen.kind == "array" and ({"RuleID", "File"} <= seen.keys or {"rule", "offender"} <= seen.keys)


def _read(report: Report) -> Iterator[Said]:
    """Read each leak."""
    seen = outline(report)
    leaks, faults = load(report, list[msgspec.Raw])
    if "offender" in seen.keys:
        yield from each(elements(leaks, ""), _OldLeak, _old_leak)
    else:
        yield from each(elements(leaks, ""), _Leak, _leak)
    yield from faults


READER = FormatReader(name="gitleaks", native=_is_native, decode=_read, dialect=DIALECT)
