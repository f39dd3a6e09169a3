"""npm audit: its JSON, version 1 (npm 6, by advisory) and version 2 (npm 7 and later, by package)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.records import Hints, PackageLocation, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.cvss import base_score
from pipeline.scanners.cwe import cwe_numbers
from pipeline.scanners.document import Said, each, load, members, quoted
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.outline import Outline, outline

_GHSA = re.compile(r"GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}", re.IGNORECASE)
_AT_LEAST = re.compile(r">=\s*([0-9][\w.+-]*)")
_BELOW = re.compile(r"<(?!=)\s*([0-9][\w.+-]*)")
_ERROR_KEYS = frozenset({"error", "message", "method", "uri", "headers", "statusCode", "body"})
SCANNER = Scanner(name="npm-audit")


class _Cvss(msgspec.Struct, frozen=True):
    score: float | None = None
    vector: str | None = msgspec.field(name="vectorString", default=None)


class _OldFinding(msgspec.Struct, frozen=True):
    version: str | None = None
    paths: list[str] | None = None


class OldAdvisory(msgspec.Struct, frozen=True):
    """An advisory as the registry's first audit service gives it: npm 6, pnpm and Yarn classic pass it on."""

    id: int | str
    module_name: str
    title: str = ""
    overview: str | None = None
    recommendation: str | None = None
    severity: str | None = None
    cwe: list[str] | str | None = None
    cves: list[str] | None = None
    url: str | None = None
    patched_versions: str | None = None
    github_advisory_id: str | None = None
    cvss: _Cvss | None = None
    findings: list[_OldFinding] | None = None


class _Advisory(msgspec.Struct, frozen=True):
    source: int | str | None = None
    name: str | None = None
    dependency: str | None = None
    title: str = ""
    url: str | None = None
    severity: str | None = None
    cwe: list[str] | str | None = None
    cvss: _Cvss | None = None
    range: str | None = None


class _FixAvailable(msgspec.Struct, frozen=True):
    name: str
    version: str


class _Package(msgspec.Struct, frozen=True):
    name: str
    via: list[_Advisory | str] | None = None
    fix: _FixAvailable | bool | None = msgspec.field(name="fixAvailable", default=None)


class _Log(msgspec.Struct, frozen=True):
    advisories: dict[str, msgspec.Raw] | None = None
    vulnerabilities: dict[str, msgspec.Raw] | None = None
    error: Any = None
    message: Any = None


def of_old_advisory(advisory: OldAdvisory, pointer: str, scanner: Scanner = SCANNER) -> Iterator[RawFinding]:
    """Yield a finding for each installed version."""
    identity = advisory.github_advisory_id or identity_of(advisory.url, advisory.id)
    score = _score(advisory.cvss)
    known = (severity.from_word("npm", advisory.severity), severity.from_score(score))
    for version in dict.fromkeys(found.version for found in advisory.findings or [_OldFinding()]):
        yield RawFinding(
            scanner=scanner,
            rule=Rule(
                id=identity,
                name=advisory.title or None,
                help=advisory.overview,
                cwes=_cwes(advisory.cwe),
                help_uri=advisory.url,
            ),
            severity=severity.first(*known),
            domain=domain.of_package(in_image=False),
            location=PackageLocation(ecosystem="npm", name=advisory.module_name, version=version),
            message=advisory.title or identity,
            pointer=pointer,
            cvss=score,
            aliases=tuple(advisory.cves or ()),
            hints=Hints(
                fixed_versions=tuple(_AT_LEAST.findall(advisory.patched_versions or "")),
                fix_text=advisory.recommendation or None,
            ),
            flags=severity.flags_for(*known),
        )


def _package(package: _Package, pointer: str) -> Iterator[RawFinding]:
    """Yield the package's own advisories; the names in `via` are packages that have their own entry."""
    for position, advisory in enumerate(package.via or []):
        if isinstance(advisory, _Advisory):
            yield _finding(advisory, package, f"{pointer}/via/{position}")


def _finding(advisory: _Advisory, package: _Package, pointer: str) -> RawFinding:
    identity, score = identity_of(advisory.url, advisory.source), _score(advisory.cvss)
    known = (severity.from_word("npm", advisory.severity), severity.from_score(score))
    return RawFinding(
        scanner=SCANNER,
        rule=Rule(id=identity, name=advisory.title or None, cwes=_cwes(advisory.cwe), help_uri=advisory.url),
        severity=severity.first(*known),
        domain=domain.of_package(in_image=False),
        location=PackageLocation(ecosystem="npm", name=advisory.name or package.name),
        message=advisory.title or identity,
        pointer=pointer,
        cvss=score,
        hints=Hints(fixed_versions=versions_above(advisory.range), fix_text=_fix_text(package.fix)),
        flags=severity.flags_for(*known),
    )


def identity_of(url: str | None, number: int | str | None) -> str:
    """Return the GitHub advisory an address names, else the registry's own number of it."""
    found = _GHSA.search(url or "")
    return found[0].replace("ghsa", "GHSA") if found else f"npm-{number}"


def _score(cvss: _Cvss | None) -> float | None:
    """npm writes score 0 without a vector where nobody has scored the advisory."""
    if cvss is None or not cvss.vector:
        return None
    return cvss.score if cvss.score else base_score(cvss.vector)


def _cwes(cwe: list[str] | str | None) -> tuple[int, ...]:
    return cwe_numbers(*(cwe if isinstance(cwe, list) else [cwe]))


def versions_above(vulnerable: str | None) -> tuple[str, ...]:
    """Return the first versions that a range of vulnerable ones leaves out: its `<X`."""
    return tuple(dict.fromkeys(_BELOW.findall(vulnerable or "")))


def _fix_text(fix: _FixAvailable | bool | None) -> str | None:
    return f"Update {fix.name} to {fix.version}." if isinstance(fix, _FixAvailable) else None


def _is_native(seen: Outline, head: str) -> bool:
    """Advisories or vulnerabilities beside npm's metadata, or npm's error."""
    if "auditReportVersion" in seen.keys or {"advisories", "metadata"} <= seen.keys:
        return True
    return "error" in seen.keys and seen.keys <= _ERROR_KEYS and "audit" in head.lower()


def _read(report: Report) -> Iterator[Said]:
    """Read version 1's advisories or version 2's packages; npm's own error refuses the report."""
    log, faults = load(report, _Log)
    if "error" in outline(report).keys and log.advisories is None and log.vulnerabilities is None:
        said = log.error if isinstance(log.error, dict) else {}
        why = said.get("code") or said.get("summary") or log.message or "without a reason"
        raise ReportRefused(f"npm audit failed and audited nothing: {quoted(str(why))}.", "Run the scan again.")
    yield from each(members(log.advisories, "/advisories"), OldAdvisory, of_old_advisory)
    yield from each(members(log.vulnerabilities, "/vulnerabilities"), _Package, _package)
    if log.advisories is None and log.vulnerabilities is None:
        yield Fault(pointer="", reason="the report has neither advisories nor vulnerabilities")
    yield from faults


READER = FormatReader(name="npm-audit", native=_is_native, decode=_read)
