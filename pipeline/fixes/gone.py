"""Findings that are gone from a later snapshot, as cases: with what of the later scan could be the same again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pipeline.fixes.interface import Case, Snapshot
from pipeline.records import FileLocation, Finding


def gone_cases(
    earlier: Sequence[Finding],
    current: Sequence[Finding],
    here: Snapshot,
    later: Snapshot | None,
    seen: frozenset[str],
) -> Iterator[Case]:
    """Yield a case for each earlier finding that isn't among the current ones, in their order."""
    there = {finding.fingerprint for finding in current}
    gone = [finding for finding in earlier if finding.fingerprint not in there]
    again = _again(current, {finding.fingerprint for finding in earlier})
    known = _gone_lines(gone, here)
    for finding in gone:
        kind = _kind(finding)
        yield _gone(finding, here, later, seen, again[kind], known[kind])


def _again(current: Sequence[Finding], earlier: set[str]) -> dict[tuple[str, ...], set[tuple[str, int]]]:
    """Return path and line of findings that are new, by scanner and rule: a gone one may be one of them."""
    places: dict[tuple[str, ...], set[tuple[str, int]]] = defaultdict(set)
    for finding in current:
        if finding.fingerprint not in earlier and isinstance(finding.location, FileLocation):
            places[_kind(finding)].add((finding.location.path, finding.location.start_line or 1))
    return places


def _gone(
    finding: Finding,
    here: Snapshot,
    later: Snapshot | None,
    seen: frozenset[str],
    new: set[tuple[str, int]],
    known: set[str],
) -> Case:
    """Return the case of a gone finding; a new one whose line another gone one had is that one, moved."""
    path = getattr(finding.location, "path", None)
    again = frozenset(line for file, line in new if file == path)
    elsewhere = {place for place in new if later is not None and _line(later, *place) not in known}
    return Case(finding, here, later, seen, again, frozenset(elsewhere))


def _gone_lines(gone: Sequence[Finding], here: Snapshot) -> dict[tuple[str, ...], set[str]]:
    """Return the flagged lines of gone findings by scanner and rule."""
    lines: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for finding in gone:
        if isinstance(finding.location, FileLocation):
            lines[_kind(finding)].add(_line(here, finding.location.path, finding.location.start_line or 1))
    return lines


def _line(snapshot: Snapshot, path: str, line: int) -> str:
    text = snapshot.find(path)
    return text.block(line, line).strip() if text is not None and line <= len(text.lines) else ""


def _kind(finding: Finding) -> tuple[str, ...]:
    return finding.scanner.name, finding.rule.id
