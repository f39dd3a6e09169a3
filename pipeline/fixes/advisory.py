"""Fixes from advisories: the smallest fixed version, written into the entry that fixes the vulnerable one."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.findings.versions import smallest_fix
from pipeline.fixes.interface import Case, Refusal, Snapshot
from pipeline.fixes.manifests.entries import find_entry
from pipeline.fixes.manifests.interface import Entry
from pipeline.fixes.manifests.search import manifest_entry
from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix, FixSource, PackageLocation

_MANIFESTS = {
    "package-lock.json": ("package.json",), "npm-shrinkwrap.json": ("package.json",), "yarn.lock": ("package.json",),
    "pnpm-lock.yaml": ("package.json",), "composer.lock": ("composer.json",), "gemfile.lock": ("Gemfile",),
    "cargo.lock": ("Cargo.toml",), "poetry.lock": ("pyproject.toml",), "uv.lock": ("pyproject.toml",),
    "pipfile.lock": ("Pipfile",), "gradle.lockfile": ("build.gradle", "build.gradle.kts"), "go.sum": ("go.mod",),
}  # fmt: skip


class Advisories:
    """Takes fixed versions from the report and writes the nearest one into manifest or lock file."""

    source = FixSource.ADVISORY

    def propose(self, case: Case) -> Iterator[Fix | Refusal]:
        """Yield a fix for each entry that has to change: the reported file's, and its manifest's."""
        finding, location = case.finding, case.finding.location
        if not isinstance(location, PackageLocation) or not finding.hints.fixed_versions:
            return
        if location.version is None:
            yield Refusal(reason="advisory without a version")
            return
        version = smallest_fix(location.ecosystem, location.version, finding.hints.fixed_versions)
        if version is None:
            yield Refusal(reason="no fixed version above the present one")
            return
        fixes = list(_fixes(finding, location, case.here, version))
        yield from fixes
        if not fixes:
            yield Refusal(reason="no entry of the package in manifest or lock file")


def _fixes(finding: Finding, location: PackageLocation, snapshot: Snapshot, version: str) -> Iterator[Fix]:
    for text in _files(location, snapshot):
        entry = find_entry(text, location.name, location.version)
        if entry is not None and location.version is not None:
            yield _fix(finding, text, entry, location.version, version)


def _files(location: PackageLocation, snapshot: Snapshot) -> Iterator[SourceText]:
    """Yield the reported file and the manifests beside it."""
    found = manifest_entry(location, snapshot)
    reported = found[0] if found is not None else snapshot.find(location.path) if location.path else None
    if reported is None:
        return
    yield reported
    folder, _, name = reported.path.rpartition("/")
    for manifest in _MANIFESTS.get(name.lower(), ()):
        beside = snapshot.text(f"{folder}/{manifest}" if folder else manifest)
        if beside is not None:
            yield beside


def _fix(finding: Finding, text: SourceText, entry: Entry, old: str, new: str) -> Fix:
    written = new.removeprefix("v")
    before = text.block(entry.first, entry.last)
    after = entry.rewritten(written) + ("\n" if before.endswith("\n") else "")
    return Fix(
        fingerprint=finding.fingerprint,
        source=FixSource.ADVISORY,
        path=text.path,
        start_line=entry.first,
        end_line=entry.last,
        before=before,
        replacement=after,
        note=f"{finding.rule.id} is fixed in {written}, the nearest fixed version after {old.removeprefix('v')}.",
    )
