"""A package's entry in a manifest or lock file, whatever family the file is of."""

from __future__ import annotations

from pipeline.fixes.manifests import documents, indirect, lines, locks
from pipeline.fixes.manifests.interface import Entry, Family
from pipeline.fixes.text import SourceText

FAMILIES: tuple[Family, ...] = (
    lines.REQUIREMENTS,
    lines.PYPROJECT,
    lines.PYTHON_TABLE,
    lines.SETUP,
    indirect.TomlTable(),
    documents.JsonManifest(),
    documents.NpmLock(),
    documents.ComposerLock(),
    documents.TomlLock(),
    documents.Pom(),
    lines.GRADLE,
    lines.GRADLE_NAMED,
    indirect.GradleVariable(),
    indirect.Catalogue(),
    locks.YarnLock(),
    locks.PnpmLock(),
    locks.PipfileLock(),
    lines.GO,
    lines.GO_REPLACED,
    lines.GEMFILE,
    lines.GEMFILE_LOCK,
    lines.DOCKERFILE,
    lines.WORKFLOW,
)


def entries_of(text: SourceText, name: str) -> list[Entry]:
    """Return all entries of a package in a file, family by family."""
    return [entry for family in FAMILIES if family.handles(text.path) for entry in family.entries(text.lines, name)]


def entries_at(text: SourceText, name: str, version: str) -> list[Entry]:
    """Return the package's entries with a version, top to bottom."""
    found = [entry for entry in entries_of(text, name) if entry.version.lstrip("v") == version.lstrip("v")]
    return sorted({(entry.first, entry.last): entry for entry in found}.values())


def find_entry(text: SourceText, name: str, version: str | None) -> Entry | None:
    """Return the package's entry: the one with the reported version, else the only one, else None."""
    if version is not None:
        return next(iter(entries_at(text, name, version)), None)
    found = entries_of(text, name)
    return found[0] if len({(entry.first, entry.version) for entry in found}) == 1 else None
