"""Fixes from advisories: the smallest fixed version, written into the entry that fixes the vulnerable one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.findings.versions import smallest_fix
from pipeline.fixes.interface import Case, Refusal, Snapshot
from pipeline.fixes.manifests.entries import entries_at
from pipeline.fixes.manifests.interface import Entry
from pipeline.fixes.manifests.locks import is_refilled, seals
from pipeline.fixes.manifests.search import manifest_entry
from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix, FixSource, PackageLocation, TextEdit

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
        answers = list(_fixes(finding, location, case.here, version))
        yield from answers
        if not answers:
            yield Refusal(reason="no entry of the package in manifest or lock file")


def _fixes(finding: Finding, location: PackageLocation, snapshot: Snapshot, version: str) -> Iterator[Fix | Refusal]:
    for text in _files(location, snapshot):
        entries = entries_at(text, location.name, location.version or "")
        if not entries:
            continue
        if not is_refilled(text.path) and any(seals(text.path, text.lines, entry) for entry in entries):
            yield Refusal(reason="the lock file holds checksums of the release: lock again")
            continue
        yield _fix(finding, text, entries, location.version or "", version)


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


def _fix(finding: Finding, text: SourceText, entries: Sequence[Entry], old: str, new: str) -> Fix:
    """Return the fix of a file: the first entry's lines, and the others as companions."""
    entry, *others = entries
    written = new.removeprefix("v")
    return Fix(
        fingerprint=finding.fingerprint,
        source=FixSource.ADVISORY,
        path=text.path,
        start_line=entry.first,
        end_line=entry.last,
        before=text.block(entry.first, entry.last),
        replacement=_rewritten(text, entry, written),
        note=f"{finding.rule.id} is fixed in {written}, the nearest fixed version after {old.removeprefix('v')}.",
        companions=tuple(
            TextEdit(path=text.path, start_line=one.first, end_line=one.last, text=_rewritten(text, one, written))
            for one in others
        ),
    )


def _rewritten(text: SourceText, entry: Entry, version: str) -> str:
    return entry.rewritten(version) + ("\n" if text.block(entry.first, entry.last).endswith("\n") else "")
