"""Semgrep: its JSON (from 0.x to 1.x) and its SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.records import Domain, Hints, PackageLocation, Rule, Scanner, TextEdit
from pipeline.scanners import domain, severity
from pipeline.scanners.cwe import bare_number
from pipeline.scanners.document import Said, each, elements, load, quoted
from pipeline.scanners.ecosystems import ecosystem
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import file_location, line_of, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen

_WORDS = re.compile(r"[a-z]+(?:[-_][a-z0-9]+)*|[a-z0-9]{1,12}")

PLACEHOLDER = "requires login"


class _Position(msgspec.Struct, frozen=True):
    line: int
    col: int | None = None


class _Dependency(msgspec.Struct, frozen=True):
    package: str
    version: str | None = None
    ecosystem: str | None = None
    line_number: int | None = None


class _Match(msgspec.Struct, frozen=True):
    found_dependency: _Dependency
    lockfile: str | None = None


class _SupplyChain(msgspec.Struct, frozen=True):
    dependency_match: _Match | None = None


class _Extra(msgspec.Struct, frozen=True):
    message: str = ""
    severity: str | None = None
    metadata: Any = None
    lines: str | None = None
    fix: str | None = None
    is_ignored: bool | None = None
    sca_info: _SupplyChain | None = None


class _Result(msgspec.Struct, frozen=True):
    check_id: str
    path: str
    start: _Position
    end: _Position
    extra: _Extra = _Extra()


class _Problem(msgspec.Struct, frozen=True):
    message: str | None = None
    long_msg: str | None = None
    short_msg: str | None = None
    type: Any = None
    level: str | None = None
    path: str | None = None


class _SkippedRule(msgspec.Struct, frozen=True):
    rule_id: str = ""


class _Log(msgspec.Struct, frozen=True):
    version: str | None = None
    results: list[msgspec.Raw] | None = None
    errors: list[msgspec.Raw] | None = None
    skipped_rules: list[msgspec.Raw] | None = None


def _finding(result: _Result, pointer: str, scanner: Scanner) -> RawFinding:
    extra, place = result.extra, place_of(result.path)
    level = severity.from_word("semgrep", extra.severity)
    suppressed = ("suppressed",) if extra.is_ignored else ()
    metadata = extra.metadata if isinstance(extra.metadata, dict) else {}
    found = RawFinding(
        scanner=scanner,
        rule=_rule(result.check_id, metadata),
        severity=severity.first(level),
        domain=domain.of_rule(result.check_id, place.path),
        location=file_location(place.path, result.start.line, result.end.line, result.start.col, result.end.col),
        message=extra.message,
        pointer=pointer,
        snippet=extra.lines if extra.lines and extra.lines != PLACEHOLDER else None,
        hints=_hints(result, place.path),
        flags=(*place.flags, *suppressed, *severity.flags_for(level)),
    )
    match = extra.sca_info.dependency_match if extra.sca_info else None
    return _in_package(found, match, metadata) if match else found


def _rule(identity: str, metadata: dict[str, Any]) -> Rule:
    """Read what a rule's author wrote in its metadata, where every value is free."""
    cwe = metadata.get("cwe")
    cwes = {number for text in (cwe if isinstance(cwe, list) else [cwe]) for number in bare_number(_plain(text))}
    link = next((text for name in ("source", "shortlink") if (text := metadata.get(name))), None)
    return Rule(
        id=identity,
        name=_short(identity),
        cwes=tuple(sorted(cwes)),
        help_uri=link if isinstance(link, str) else None,
    )


def _plain(value: Any) -> str | int | None:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _in_package(found: RawFinding, match: _Match, metadata: dict[str, Any]) -> RawFinding:
    """Place a finding of Semgrep's supply chain in the dependency it is about, under its advisory's name."""
    dependency, advisory = match.found_dependency, metadata.get("sca-vuln-database-identifier")
    fixes = metadata.get("sca-fix-versions")
    versions = [
        fix[dependency.package]
        for fix in (fixes if isinstance(fixes, list) else [])
        if isinstance(fix, dict) and dependency.package in fix
    ]
    return msgspec.structs.replace(
        found,
        domain=Domain.SCA,
        aliases=(advisory,) if isinstance(advisory, str) and advisory else (),
        location=PackageLocation(
            ecosystem=ecosystem(dependency.ecosystem),
            name=dependency.package,
            version=dependency.version,
            path=place_of(match.lockfile).path if match.lockfile else None,
            line=line_of(dependency.line_number),
        ),
        hints=Hints(fixed_versions=tuple(version for version in versions if isinstance(version, str))),
    )


def _hints(result: _Result, path: str) -> Hints:
    fix, start, end = result.extra.fix, result.start, result.end
    if fix is None or line_of(start.line) is None or not start.col or not end.col:
        return Hints()
    edit = TextEdit(
        path=path,
        start_line=start.line,
        end_line=max(start.line, end.line),
        text=fix,
        start_column=start.col,
        end_column=end.col,
    )
    return Hints(edits=((edit,),))


def _problem(problem: _Problem, pointer: str) -> Iterator[Fault]:
    said = quoted(problem.long_msg or problem.message or problem.short_msg or "without a text")
    where = f" in {problem.path}" if problem.path else ""
    yield Fault(pointer=pointer, reason=f"Semgrep reports an error{where}: {said}")


def _skipped(rule: _SkippedRule, pointer: str) -> Iterator[Fault]:
    yield Fault(pointer=pointer, reason=f"Semgrep did not run the rule {rule.rule_id}")


def _short(rule: str) -> str:
    """Return the last part of a rule's id when it is plain words; a piece of anything else might be half a secret."""
    last = rule.rpartition(".")[2]
    return last if _WORDS.fullmatch(last) else rule


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """Level to Semgrep's own scale; `requires login` is no snippet; fixes hold whole lines."""
    level = {"note": "info"}.get(seen.level, seen.level)
    lines = (finding.snippet or "").split("\n")
    groups = tuple(tuple(_whole_lines(edit, lines) for edit in group) for group in finding.hints.edits)
    return msgspec.structs.replace(
        finding,
        severity=severity.first(severity.from_word("semgrep", level)),
        rule=msgspec.structs.replace(finding.rule, name=_short(finding.rule.id)),
        snippet=None if finding.snippet == PLACEHOLDER else finding.snippet,
        hints=msgspec.structs.replace(finding.hints, edits=groups),
    )


def _whole_lines(edit: TextEdit, lines: list[str]) -> TextEdit:
    """Mend Semgrep's SARIF fixes: the region has columns, the text repeats what stands around them."""
    if edit.start_column is None or edit.end_column is None:
        return edit
    before, after = lines[0][: edit.start_column - 1], lines[-1][edit.end_column - 1 :]
    if not (before or after) or not (edit.text.startswith(before) and edit.text.endswith(after)):
        return edit
    text = edit.text if edit.text.endswith("\n") else f"{edit.text}\n"
    return msgspec.structs.replace(edit, text=text, start_column=None, end_column=None)


DIALECT = Dialect(
    scanner="semgrep", tools=("semgrep", "semgrep oss", "semgrep pro", "opengrep", "opengrep oss"), refine=_refine
)


def _is_native(seen: Outline, head: str) -> bool:
    """Results that name a check, or none beside a list of errors, and none of Bandit's metrics."""
    del head
    if not {"results", "errors"} <= seen.keys or {"metrics", "generated_at"} & seen.keys:
        return False
    return "check_id" in seen.results or (seen.results_are_a_list and not seen.results)


def _read(report: Report) -> Iterator[Said]:
    """Read findings, then what Semgrep says it could not scan."""
    log, faults = load(report, _Log)
    scanner = Scanner(name="semgrep", version=log.version)
    yield from each(elements(log.results, "/results"), _Result, lambda r, p: [_finding(r, p, scanner)])
    yield from each(elements(log.errors, "/errors"), _Problem, _problem)
    yield from each(elements(log.skipped_rules, "/skipped_rules"), _SkippedRule, _skipped)
    if log.results is None:
        yield Fault(pointer="/results", reason="the report has no results: the scan did not finish")
    yield from faults


READER = FormatReader(name="semgrep", native=_is_native, decode=_read, dialect=DIALECT)
