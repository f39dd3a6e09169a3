"""The file that names a package: the reported one, else the only manifests of the tree that fix this version."""

from __future__ import annotations

from pipeline.findings.versions import purl_type
from pipeline.fixes.interface import Snapshot
from pipeline.fixes.manifests.entries import FAMILIES, find_entry
from pipeline.fixes.manifests.interface import Entry
from pipeline.fixes.text import SourceText
from pipeline.records import PackageLocation

_FILES = {
    "pypi": (
        "requirements",
        "constraints",
        "pyproject.toml",
        "pipfile",
        "poetry.lock",
        "uv.lock",
        "setup.py",
        "setup.cfg",
    ),
    "npm": ("package.json", "package-lock.json", "npm-shrinkwrap.json"),
    "maven": ("pom.xml", "build.gradle", "gradle.lockfile"),
    "golang": ("go.mod",),
    "cargo": ("cargo.toml", "cargo.lock"),
    "gem": ("gemfile",),
    "composer": ("composer.json", "composer.lock"),
}


def manifest_entry(location: PackageLocation, snapshot: Snapshot) -> tuple[SourceText, Entry] | None:
    """Return the package's manifest and its entry in it, None when they can't be told."""
    paths = _candidates(location, snapshot)
    found = []
    for path in paths:
        text = snapshot.find(path)
        entry = find_entry(text, location.name, location.version) if text is not None else None
        if text is not None and entry is not None:
            found.append((text, entry))
    return found[0] if len(found) == 1 or (found and location.path is not None) else None


def _candidates(location: PackageLocation, snapshot: Snapshot) -> list[str]:
    if location.path is not None:
        return [location.path]
    starts = _FILES.get(purl_type(location.ecosystem), ())
    return (
        [
            path
            for path in sorted(snapshot.paths)
            if path.rpartition("/")[2].lower().startswith(starts) and any(family.handles(path) for family in FAMILIES)
        ]
        if starts
        else []
    )
