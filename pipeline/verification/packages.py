"""Version fixes: the version written into the manifest must lie outside every advisory's range that is known here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.findings.versions import package_key, parse_version, release
from pipeline.fixes.coordinate import ecosystem_of
from pipeline.fixes.manifests.entries import entries_at, entries_of
from pipeline.fixes.manifests.interface import Entry
from pipeline.fixes.manifests.locks import addresses, is_lock, seals
from pipeline.records import Finding, Fix, Outcome, PackageLocation
from pipeline.verification.change import Change, difference

_CONDITION = re.compile(r";([^;\"'\n]*(?:[\"'][^\"'\n]*[\"'])?)\s*[\"',]*$", re.MULTILINE)
EVIDENCE = "version outside the advisory's range"


def judge_version(change: Change, findings: Sequence[Finding]) -> tuple[Outcome, str, str | None]:
    """Return outcome, evidence and failing check for a fix of a package's finding."""
    location = change.finding.location
    if not isinstance(location, PackageLocation) or location.version is None:
        return Outcome.UNVERIFIABLE, "the finding names no version", None
    touched = _touched(change, location)
    if not touched:
        return Outcome.REFUTED, "the entry of the package is gone", "finding gone"
    fixed = change.finding.hints.fixed_versions
    if not fixed:
        return Outcome.UNVERIFIABLE, "the advisory names no fixed version", None
    version = touched[0].version
    worse = _others(change, location, version, findings)
    for check, reason in (
        ("finding gone", _still_weak(change, location, touched)),
        ("applies", _mismatch(change, location, touched)),
        ("nothing new", worse and f"{version} falls into {worse}, which {location.version} doesn't"),
    ):
        if reason:
            return Outcome.REFUTED, reason, check
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


def _touched(change: Change, location: PackageLocation) -> list[Entry]:
    """Return the package's entries on lines that the fix changes."""
    first, last = change.new_span
    return [entry for entry in entries_of(change.after, location.name) if entry.first <= last and first <= entry.last]


def _still_weak(change: Change, location: PackageLocation, touched: Sequence[Entry]) -> str | None:
    """Return how a weak version can still be taken: by the entry itself, another one, a condition or a replacement."""
    old, fixed = location.version or "", change.finding.hints.fixed_versions
    for entry in touched:
        if not outside(location.ecosystem, old, entry.version, fixed):
            return f"{entry.version} is inside the advisory's range"
    if left := entries_at(change.after, location.name, old):
        return f"{old} still stands in line {left[0].first}"
    gone, fresh = ("\n".join(lines) for lines in difference(change))
    conditions = set(_CONDITION.findall(fresh)) - set(_CONDITION.findall(gone))
    if conditions and len(touched) == 1:
        return f"it is only meant where {min(conditions).strip()}"
    name = re.escape(location.name)
    replaced = rf"^\s*(?:replace\s+)?{name}(?:\s+v\S+)?\s+=>\s+(?!{name}\s)"
    if change.path.endswith("go.mod") and re.search(replaced, change.after.text, re.MULTILINE):
        return "it is replaced by something else"
    return None


def _mismatch(change: Change, location: PackageLocation, touched: Sequence[Entry]) -> str | None:
    """Return how a lock file's entry doesn't fit its new version: checksums or an address of the old release."""
    old = location.version or ""
    path, before, after = change.path, change.before.lines, change.after.lines
    known = {seal for entry in entries_at(change.before, location.name, old) for seal in seals(path, before, entry)}
    for entry in touched:
        if known & seals(path, after, entry):
            return f"the checksum is still that of {old}"
        if is_lock(path) and addresses(path, after, entry, old):
            return f"the address is still that of {old}"
    return None


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
