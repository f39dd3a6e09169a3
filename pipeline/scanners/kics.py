"""KICS: its JSON (1.x and 2.x) and its SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pipeline.records import Domain, FileLocation, Hints, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.cwe import bare_number
from pipeline.scanners.document import Said, each, elements, load
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import Place, file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen

_MOUNT = re.compile(r"^(?:\.\./)+path/")
_PLATFORMS = {
    "dockerfile": Domain.CONTAINER,
    "dockercompose": Domain.CONTAINER,
    "buildah": Domain.CONTAINER,
    "openapi": Domain.API,
    "grpc": Domain.API,
}
SECRETS_CATEGORY = "Secret Management"


class _File(msgspec.Struct, frozen=True):
    file_name: str
    line: int | None = None
    issue_type: str | None = None
    expected_value: str | None = None
    actual_value: str | None = None
    resource_type: str | None = None
    remediation: str | None = None


class _Query(msgspec.Struct, frozen=True):
    query_id: str
    query_name: str = ""
    query_url: str | None = None
    severity: str | None = None
    platform: str | None = None
    category: str | None = None
    description: str | None = None
    cwe: str | int | None = None
    files: list[msgspec.Raw] | None = None


class _Log(msgspec.Struct, frozen=True):
    kics_version: str | None = None
    queries: list[msgspec.Raw] | None = None
    files_failed_to_scan: int | None = None
    queries_failed_to_execute: int | None = None


def _finding(file: _File, pointer: str, query: _Query, scanner: Scanner) -> RawFinding:
    place, word = _place(file.file_name), severity.from_word("kics", query.severity)
    return RawFinding(
        scanner=scanner,
        rule=Rule(
            id=query.query_id,
            name=query.query_name or None,
            help=query.description,
            cwes=bare_number(query.cwe),
            help_uri=query.query_url,
        ),
        severity=severity.first(word),
        domain=_domain(query, place.path),
        location=file_location(place.path, file.line, file.line),
        message=file.actual_value or query.description or query.query_name,
        pointer=pointer,
        hints=Hints(fix_text=file.expected_value or None),
        flags=(*place.flags, *severity.flags_for(word)),
    )


def _place(path: str) -> Place:
    """In its container KICS runs in /app/bin and writes the mount /path as `../../path/`."""
    return place_of(_MOUNT.sub("", path))


def _domain(query: _Query, path: str) -> Domain:
    if query.category == SECRETS_CATEGORY:
        return Domain.SECRETS
    known = _PLATFORMS.get((query.platform or "").lower())
    return known or domain.of_configuration(query.query_id, path)


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    del seen
    path = finding.location.path if isinstance(finding.location, FileLocation) else ""
    return msgspec.structs.replace(finding, domain=domain.of_configuration(finding.rule.id, path))


def _is_native(seen: Outline, head: str) -> bool:
    """Queries beside KICS' counters."""
    del head
    return "queries" in seen.keys and not seen.keys.isdisjoint(("kics_version", "queries_total", "severity_counters"))


def _read(report: Report) -> Iterator[Said]:
    """Read each file of each query, then what KICS could not scan."""
    log, faults = load(report, _Log)
    scanner = Scanner(name="kics", version=log.kics_version)

    def query(found: _Query, pointer: str) -> Iterator[Said]:
        files = elements(found.files, f"{pointer}/files")
        return each(files, _File, lambda file, place: [_finding(file, place, found, scanner)])

    yield from each(elements(log.queries, "/queries"), _Query, query)
    if log.queries is None:
        yield Fault(pointer="/queries", reason="the report has no queries: the scan did not finish")
    if log.files_failed_to_scan:
        yield Fault(pointer="/files_failed_to_scan", reason=f"KICS could not scan {log.files_failed_to_scan} files")
    if log.queries_failed_to_execute:
        reason = f"KICS could not run {log.queries_failed_to_execute} queries"
        yield Fault(pointer="/queries_failed_to_execute", reason=reason)
    yield from faults


DIALECT = Dialect(scanner="kics", tools=("kics", "keeping infrastructure as code secure"), refine=_refine)
READER = FormatReader(name="kics", native=_is_native, decode=_read, dialect=DIALECT)
