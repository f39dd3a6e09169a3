"""Terrascan: its JSON and its SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pipeline.records import FileLocation, ImageLocation, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.document import Said, each, elements, load, quoted
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import Place, file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, named_severity, word_of

_NOTHING_THERE = re.compile(r"not found in|^no .{1,100} found in|^no .{0,100}files found", re.IGNORECASE)
"""Terrascan tries every kind of configuration and reports each that isn't there as an error."""


class _Violation(msgspec.Struct, frozen=True):
    rule_id: str
    rule_name: str | None = None
    description: str = ""
    severity: str | None = None
    category: str | None = None
    file: str = ""
    line: int | None = None


class _Cvss(msgspec.Struct, frozen=True):
    v2: float | None = msgspec.field(name="v2_score", default=None)
    v3: float | None = msgspec.field(name="v3_score", default=None)


class _Vulnerability(msgspec.Struct, frozen=True):
    vulnerability_id: str
    image: str = ""
    package: str | None = None
    installed_version: str | None = None
    severity: str | None = None
    cvss: _Cvss | None = msgspec.field(name="cvss_score", default=None)
    description: str | None = None
    primary_url: str | None = None


class _ScanError(msgspec.Struct, frozen=True):
    iac_type: str = ""
    message: str = msgspec.field(name="errMsg", default="")


class _Summary(msgspec.Struct, frozen=True):
    folder: str = msgspec.field(name="file/folder", default="")


class _Results(msgspec.Struct, frozen=True):
    summary: _Summary | None = msgspec.field(name="scan_summary", default=None)
    violations: list[msgspec.Raw] | None = None
    skipped: list[msgspec.Raw] | None = msgspec.field(name="skipped_violations", default=None)
    scan_errors: list[msgspec.Raw] | None = None
    vulnerabilities: list[msgspec.Raw] | None = None


class _Log(msgspec.Struct, frozen=True):
    results: _Results | None = None


def _place(file: str, folder: str) -> Place:
    """Terrascan's paths are relative to the scanned folder, which may lie below the repository."""
    if folder and folder != ".":
        below = place_of(f"{folder}/{file}")
        if not below.flags and not file.startswith("/"):
            return below
    return place_of(file)


def _finding(violation: _Violation, pointer: str, folder: str) -> Iterator[RawFinding]:
    place, word = _place(violation.file, folder), severity.from_word("terrascan", violation.severity)
    yield RawFinding(
        scanner=Scanner(name="terrascan"),
        rule=Rule(id=violation.rule_id, name=violation.rule_name, help=violation.description or None),
        severity=severity.first(word),
        domain=domain.of_configuration(violation.rule_id, place.path),
        location=file_location(place.path, violation.line, violation.line),
        message=violation.description or violation.rule_name or violation.rule_id,
        pointer=pointer,
        flags=(*place.flags, *severity.flags_for(word)),
    )


def _skipped(violation: _Violation, pointer: str, folder: str) -> Iterator[RawFinding]:
    for finding in _finding(violation, pointer, folder):
        yield msgspec.structs.replace(finding, flags=(*finding.flags, "suppressed"))


def _vulnerability(found: _Vulnerability, pointer: str) -> Iterator[RawFinding]:
    """With `--find-vuln` Terrascan asks registries about the images that the configuration names."""
    score = (found.cvss.v3 or found.cvss.v2) if found.cvss else None
    known = (severity.from_word("terrascan", found.severity), severity.from_score(score))
    yield RawFinding(
        scanner=Scanner(name="terrascan"),
        rule=Rule(id=found.vulnerability_id, help=found.description or None, help_uri=found.primary_url or None),
        severity=severity.first(*known),
        domain=domain.of_package(in_image=True),
        location=ImageLocation(image=found.image, package=found.package, version=found.installed_version),
        message=found.description or found.vulnerability_id,
        pointer=pointer,
        cvss=score,
        flags=severity.flags_for(*known),
    )


def _error(error: _ScanError, pointer: str) -> Iterator[Fault]:
    if not _NOTHING_THERE.search(error.message):
        reason = quoted(error.message)
        yield Fault(pointer=pointer, reason=f"Terrascan could not scan as {error.iac_type}: {reason}")


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """Terrascan keeps its own severity beside SARIF's level."""
    path = finding.location.path if isinstance(finding.location, FileLocation) else ""
    finding = named_severity(finding, "terrascan", word_of(seen, "severity"))
    return msgspec.structs.replace(finding, domain=domain.of_configuration(finding.rule.id, path))


def _is_native(seen: Outline, head: str) -> bool:
    """Results that hold violations and a scan summary."""
    return (
        seen.keys == {"results"}
        and not seen.results_are_a_list
        and ('"scan_summary"' in head or '"violations"' in head)
    )


def _read(report: Report) -> Iterator[Said]:
    """Read violations, those skipped on purpose, images' packages, and what could not be scanned."""
    log, faults = load(report, _Log)
    results = log.results or _Results()
    folder = results.summary.folder if results.summary else ""
    yield from each(
        elements(results.violations, "/results/violations"), _Violation, lambda v, p: _finding(v, p, folder)
    )
    yield from each(
        elements(results.skipped, "/results/skipped_violations"), _Violation, lambda v, p: _skipped(v, p, folder)
    )
    yield from each(elements(results.vulnerabilities, "/results/vulnerabilities"), _Vulnerability, _vulnerability)
    yield from each(elements(results.scan_errors, "/results/scan_errors"), _ScanError, _error)
    if log.results is None:
        yield Fault(pointer="/results", reason="the report has no results: the scan did not finish")
    yield from faults


DIALECT = Dialect(scanner="terrascan", tools=("terrascan",), refine=_refine)
READER = FormatReader(name="terrascan", native=_is_native, decode=_read, dialect=DIALECT)
