"""Which lines of a file a finding means: the reported ones, or a package's entry in its manifest."""

from __future__ import annotations

from pipeline.fixes.interface import Snapshot
from pipeline.fixes.manifests.search import manifest_entry
from pipeline.fixes.text import SourceText
from pipeline.records import FileLocation, Finding, PackageLocation
from pipeline.source.interface import Span


def flagged_lines(finding: Finding, snapshot: Snapshot) -> tuple[SourceText, Span] | None:
    """Return the file and the flagged lines, 1-based and inclusive; None when they can't be told."""
    location = finding.location
    if isinstance(location, FileLocation) and location.inside is None:
        return _of_file(location, snapshot)
    if isinstance(location, PackageLocation):
        found = manifest_entry(location, snapshot)
        return (found[0], (found[1].first, found[1].last)) if found is not None else None
    return None


def _of_file(location: FileLocation, snapshot: Snapshot) -> tuple[SourceText, Span] | None:
    text = snapshot.find(location.path)
    if text is None or not text.lines:
        return None
    if location.start_line is None:
        return text, (1, len(text.lines))
    first = max(1, location.start_line)
    last = min(max(location.end_line or first, first), len(text.lines))
    return (text, (first, last)) if first <= last else None
