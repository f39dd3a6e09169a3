"""Checkov: its JSON (a list, one framework, or a bare summary) and its SARIF."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from pipeline.records import Domain, FileLocation, Hints, Location, PackageLocation, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.cwe import cwe_numbers
from pipeline.scanners.document import ItemRefused, Said, each, elements, load
from pipeline.scanners.ecosystems import of_lock_file
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline, outline
from pipeline.scanners.places import Place, file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, score_of

_PACKAGES = ("sca_package", "sca_image")


class _Details(msgspec.Struct, frozen=True):
    id: str | None = None
    package_name: str | None = None
    package_version: str | None = None
    fix_version: str | None = msgspec.field(name="lowest_fixed_version", default=None)
    cvss: float | None = None
    severity: str | None = None
    description: str | None = None
    link: str | None = None


class _Check(msgspec.Struct, frozen=True):
    check_id: str
    check_name: str | None = None
    file_path: str = ""
    repo_file_path: str | None = None
    file_line_range: list[int] | None = None
    resource: str | None = None
    severity: str | None = None
    guideline: str | None = None
    code_block: list[Any] | None = None
    description: str | None = None
    short_description: str | None = None
    cwe: list[str] | str | None = None
    fixed_definition: Any = None
    vulnerability_details: _Details | None = None


class _Results(msgspec.Struct, frozen=True):
    failed_checks: list[msgspec.Raw] | None = None
    skipped_checks: list[msgspec.Raw] | None = None
    parsing_errors: list[str] | None = None


class _Summary(msgspec.Struct, frozen=True):
    checkov_version: str | None = None


class _Framework(msgspec.Struct, frozen=True):
    check_type: str = ""
    results: _Results | None = None
    summary: _Summary = _Summary()
    checkov_version: str | None = None
    parsing_errors: int | None = None


def _framework(found: _Framework, pointer: str) -> Iterator[Said]:
    scanner = Scanner(name="checkov", version=found.summary.checkov_version or found.checkov_version)
    results = found.results or _Results()

    def check(check: _Check, place: str) -> Iterable[Said]:
        return [_finding(check, place, scanner, found.check_type)]

    def skipped(check: _Check, place: str) -> Iterable[Said]:
        finding = _finding(check, place, scanner, found.check_type)
        return [msgspec.structs.replace(finding, flags=(*finding.flags, "suppressed"))]

    base = f"{pointer}/results"
    yield from each(elements(results.failed_checks, f"{base}/failed_checks"), _Check, check)
    yield from each(elements(results.skipped_checks, f"{base}/skipped_checks"), _Check, skipped)
    for position, path in enumerate(results.parsing_errors or ()):
        yield Fault(pointer=f"{base}/parsing_errors/{position}", reason=f"Checkov could not parse {path}")
    if found.results is None and found.parsing_errors:
        yield Fault(pointer=pointer, reason=f"Checkov could not parse {found.parsing_errors} files")


def _finding(check: _Check, pointer: str, scanner: Scanner, framework: str) -> RawFinding:
    place = _place(check)
    details = check.vulnerability_details or _Details()
    known = (
        severity.from_word("checkov", check.severity),
        severity.from_word("checkov", details.severity),
        severity.from_score(details.cvss),
    )
    cwes = check.cwe if isinstance(check.cwe, list) else [check.cwe]
    return RawFinding(
        scanner=scanner,
        rule=Rule(
            id=details.id or check.check_id,
            name=check.check_name,
            help=check.description or details.description,
            cwes=cwe_numbers(*cwes),
            help_uri=check.guideline or details.link,
        ),
        severity=severity.first(*known),
        domain=_domain(check, framework, place.path),
        location=_location(check, place.path),
        message=check.short_description or check.check_name or check.check_id,
        pointer=pointer,
        cvss=details.cvss,
        snippet=_snippet(check.code_block),
        hints=Hints(fixed_versions=(details.fix_version,) if details.fix_version else ()),
        flags=(*place.flags, *severity.flags_for(*known)),
    )


def _place(check: _Check) -> Place:
    """A slash before Checkov's paths is the repository, or if the file isn't below that, the scanned folder."""
    try:
        return _below_root(check.repo_file_path or check.file_path)
    except ItemRefused:
        return _below_root(check.file_path)


def _below_root(path: str) -> Place:
    return place_of(path.lstrip("/\\") if path.startswith(("/", "\\")) and not _in_ci(path) else path)


def _in_ci(path: str) -> bool:
    return "absolute-path" not in place_of(path).flags


def _location(check: _Check, path: str) -> Location:
    details = check.vulnerability_details
    if details and details.package_name:
        return PackageLocation(
            ecosystem=of_lock_file(path), name=details.package_name, version=details.package_version, path=path
        )
    lines = check.file_line_range or []
    return file_location(path, max(1, lines[0]) if lines else None, lines[-1] if lines else None)


def _domain(check: _Check, framework: str, path: str) -> Domain:
    by_framework = {
        "dockerfile": Domain.CONTAINER,
        "secrets": Domain.SECRETS,
        "openapi": Domain.API,
        "sca_package": Domain.SCA,
        "sca_image": Domain.CONTAINER,
        "sast": Domain.SAST,
    }
    return by_framework.get(framework.split("_python", maxsplit=1)[0]) or domain.of_configuration(check.check_id, path)


def _snippet(block: list[Any] | None) -> str | None:
    """Join Checkov's pairs of line number and line."""
    lines = [pair[1] for pair in block or [] if isinstance(pair, list) and len(pair) > 1 and isinstance(pair[1], str)]
    return "".join(lines) or None


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """Checkov writes level error for every check without a severity: then nobody named one."""
    path = finding.location.path if isinstance(finding.location, FileLocation) else ""
    known = severity.from_score(score_of(seen))
    if known is None and seen.level != "error":
        known = finding.severity
    return msgspec.structs.replace(
        finding,
        severity=severity.first(known),
        domain=domain.of_configuration(finding.rule.id, path),
        flags=tuple(dict.fromkeys((*finding.flags, *severity.flags_for(known)))),
    )


DIALECT = Dialect(scanner="checkov", tools=("checkov", "bridgecrew", "prisma cloud"), refine=_refine)
_SUMMARY = {"passed", "failed", "checkov_version"}


def _is_native(seen: Outline, head: str) -> bool:
    """One framework's results, a list of such, or a bare summary."""
    del head
    return "check_type" in seen.keys or seen.keys >= _SUMMARY


def _read(report: Report) -> Iterator[Said]:
    """Read failed and skipped checks of each framework, then what could not be parsed."""
    seen = outline(report)
    if seen.kind == "array":
        frameworks, faults = load(report, list[msgspec.Raw])
        yield from each(elements(frameworks, ""), _Framework, _framework)
        yield from faults
    else:
        framework, faults = load(report, msgspec.Raw)
        yield from each([("", framework)], _Framework, _framework)
        yield from faults


READER = FormatReader(name="checkov", native=_is_native, decode=_read, dialect=DIALECT)
