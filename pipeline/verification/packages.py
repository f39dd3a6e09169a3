"""Version fixes: the version written into the manifest must lie outside every advisory's range that is known here."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.findings.versions import package_key, parse_version, release
from pipeline.fixes.coordinate import ecosystem_of
from pipeline.fixes.manifests.entries import entries_of
from pipeline.records import Finding, Fix, Outcome, PackageLocation
from pipeline.verification.change import Change

EVIDENCE = "version outside the advisory's range"


def judge_version(change: Change, findings: Sequence[Finding]) -> tuple[Outcome, str, str | None]:
    """Return outcome, evidence and failing check for a fix of a package's finding."""
    location = change.finding.location
    if not isinstance(location, PackageLocation) or location.version is None:
        return Outcome.UNVERIFIABLE, "the finding names no version", None
    version = _written(change, location)
    if version is None:
        return Outcome.REFUTED, "the entry of the package is gone", "finding gone"
    fixed = change.finding.hints.fixed_versions
    if not fixed:
        return Outcome.UNVERIFIABLE, "the advisory names no fixed version", None
    if not outside(location.ecosystem, location.version, version, fixed):
        return Outcome.REFUTED, f"{version} is inside the advisory's range", "finding gone"
    worse = _others(change, location, version, findings)
    if worse is not None:
        return Outcome.REFUTED, f"{version} falls into {worse}, which {location.version} doesn't", "nothing new"
    return Outcome.VERIFIED, EVIDENCE, None


def judge_coordinate(finding: Finding, fix: Fix) -> tuple[Outcome, str, str | None]:
    """Return outcome, evidence and failing check for an upgrade of a bare coordinate, without any source."""
    old, new = fix.before.rpartition(":")[2], fix.replacement.rpartition(":")[2]
    if fix.before.rpartition(":")[0] != fix.replacement.rpartition(":")[0]:
        return Outcome.REFUTED, "it names another package", "applies"
    if not outside(ecosystem_of(finding), old, new, finding.hints.fixed_versions):
        return Outcome.REFUTED, f"{new} is inside the advisory's range", "finding gone"
    return Outcome.VERIFIED, EVIDENCE, None


def outside(ecosystem: str, old: str, new: str, fixed: Sequence[str]) -> bool:
    """Tell whether `new` is fixed: at or above the fixed version of its line of releases, and above `old`.

    Several fixed versions are those of several lines (2.31.1 and 3.2.0): a release of a line
    without one of its own is fixed only from the highest on.
    """
    before, after = parse_version(ecosystem, old), parse_version(ecosystem, new)
    known = [(parsed, text) for text in fixed if (parsed := parse_version(ecosystem, text)) is not None]
    if before is None or after is None or not known or not before < after:
        return False
    for width in (2, 1):
        line = [parsed for parsed, text in known if release(text)[:width] == release(new)[:width]]
        if line:
            return any(parsed <= after for parsed in line)
    return all(parsed <= after for parsed, _ in known)


def _written(change: Change, location: PackageLocation) -> str | None:
    """Return the version the fixed lines give the package."""
    first, last = min(change.new_span[0], change.fix.start_line), max(change.new_span[1], change.fix.start_line)
    found = entries_of(change.after, location.name)
    return next((entry.version for entry in found if entry.first <= last and first <= entry.last), None)


def _others(change: Change, location: PackageLocation, version: str, findings: Sequence[Finding]) -> str | None:
    """Return another advisory of the package that the new version falls into and the old doesn't."""
    key = package_key(location.ecosystem, location.name)
    for other in findings:
        place = other.location
        if not isinstance(place, PackageLocation) or other.fingerprint == change.finding.fingerprint:
            continue
        if package_key(place.ecosystem, place.name) != key or place.version != version:
            continue
        return other.rule.id
    return None
