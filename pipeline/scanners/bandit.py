"""Bandit: its JSON and its SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pipeline.records import Domain, FileLocation, Rule, Scanner
from pipeline.scanners import severity
from pipeline.scanners.cwe import bare_number
from pipeline.scanners.document import Said, each, elements, load, quoted
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, named_severity, word_of

_NUMBERED = re.compile(r"^(\d+)(?: |\t)?(.*\n?)", re.MULTILINE)


class _Cwe(msgspec.Struct, frozen=True):
    id: int | str | None = None


class _Result(msgspec.Struct, frozen=True):
    test_id: str
    filename: str
    line_number: int
    issue_text: str = ""
    test_name: str | None = None
    issue_severity: str | None = None
    issue_confidence: str | None = None
    issue_cwe: _Cwe | None = None
    line_range: list[int] | None = None
    col_offset: int | None = None
    end_col_offset: int | None = None
    code: str | None = None
    more_info: str | None = None


class _Problem(msgspec.Struct, frozen=True):
    filename: str = ""
    reason: str = ""


class _Log(msgspec.Struct, frozen=True):
    results: list[msgspec.Raw] | None = None
    errors: list[msgspec.Raw] | None = None


def _finding(result: _Result, pointer: str) -> Iterator[RawFinding]:
    place = place_of(result.filename)
    level = severity.from_word("bandit", result.issue_severity)
    yield RawFinding(
        scanner=Scanner(name="bandit"),
        rule=Rule(
            id=result.test_id,
            name=result.test_name,
            cwes=bare_number(result.issue_cwe.id if result.issue_cwe else None),
            help_uri=result.more_info,
        ),
        severity=severity.first(level),
        domain=Domain.SAST,
        location=_location(result, place.path),
        message=result.issue_text,
        pointer=pointer,
        snippet=_flagged(result),
        flags=(*place.flags, *severity.flags_for(level)),
    )


def _flagged(result: _Result) -> str | None:
    """Return the statement's own lines of the code, which shows a line before and after too; all if none is marked."""
    lines = _NUMBERED.findall(result.code or "")
    flagged = {str(number) for number in result.line_range or [result.line_number]}
    own = [text for number, text in lines if number in flagged]
    return "".join(own or [text for _, text in lines]) or result.code or None


def _location(result: _Result, path: str) -> FileLocation:
    """Take the statement's lines; Bandit's columns count from 0 and its end line isn't given."""
    lines = sorted(result.line_range or []) or [result.line_number]
    left = None if result.col_offset is None or result.col_offset < 0 else result.col_offset + 1
    single = lines[0] == lines[-1] and result.end_col_offset is not None
    right = (result.end_col_offset or 0) + 1 if single else None
    return file_location(path, lines[0], lines[-1], left, right)


def _problem(problem: _Problem, pointer: str) -> Iterator[Fault]:
    reason = quoted(problem.reason)
    yield Fault(pointer=pointer, reason=f"Bandit could not scan {problem.filename}: {reason}")


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """Bandit keeps its own severity beside SARIF's level; an end column is of the statement's last line."""
    finding = named_severity(finding, "bandit", word_of(seen, "issue_severity"))
    location = finding.location
    if isinstance(location, FileLocation) and location.end_line != location.start_line:
        location = msgspec.structs.replace(location, end_column=None)
    return msgspec.structs.replace(finding, location=location, domain=Domain.SAST)


DIALECT = Dialect(scanner="bandit", tools=("bandit",), refine=_refine)


def _is_native(seen: Outline, head: str) -> bool:
    """Results beside Bandit's metrics."""
    del head
    return {"results", "metrics", "errors"} <= seen.keys


def _read(report: Report) -> Iterator[Said]:
    """Read findings, then the files Bandit could not parse."""
    log, faults = load(report, _Log)
    yield from each(elements(log.results, "/results"), _Result, _finding)
    yield from each(elements(log.errors, "/errors"), _Problem, _problem)
    if log.results is None:
        yield Fault(pointer="/results", reason="the report has no results: the scan did not finish")
    yield from faults


READER = FormatReader(name="bandit", native=_is_native, decode=_read, dialect=DIALECT)
