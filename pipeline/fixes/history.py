"""Fixes people made: a finding gone between two scans, because someone changed the code it stood in.

The change is cut down to the smallest run of lines that holds what was changed at the flagged
lines and what belongs to it. Deleted files, new suppressions, disabled rules, moved and
emptied code make findings disappear too; none of them is a fix.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.fixes.code import code_lines, has_code
from pipeline.fixes.companions import needed_elsewhere
from pipeline.fixes.flagged import flagged_lines
from pipeline.fixes.hunks import Hunk, hunks, line_after, mapped_lines, replacement_span
from pipeline.fixes.interface import Case, Refusal, Snapshot
from pipeline.fixes.moves import moved, renamed, taken_elsewhere
from pipeline.fixes.region import WHOLE_FILE, block_of, enclosing
from pipeline.fixes.relation import related
from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix, FixSource
from pipeline.source.interface import Span
from pipeline.source.language import language_of
from pipeline.verification.suppressions import is_scanner_setting, new_suppression

DECLARATIVE = frozenset({"hcl", "yaml", "json", "dockerfile", "xml", "toml"})
"""Formats in which each line says something of its own: the smallest change that still verifies is looked for."""
ELSEWHERE = "Not at the flagged lines:"
"""How the note of a cut begins that only a scan can tie to the finding."""
MOST_PARTS = 12
"""A file with more changes than this is not tried part by part."""
LONGEST_BEFORE = 40
LONGEST_AFTER = 60


class History:
    """Compares the files of two snapshots where a finding was and isn't any more."""

    source = FixSource.HISTORY

    def propose(self, case: Case) -> Iterator[Fix | Refusal]:
        """Yield the change that made the finding disappear, or why it can't count."""
        if case.later is not None:
            yield from _history(case, case.later)


def _history(case: Case, later: Snapshot) -> Iterator[Fix | Refusal]:
    found = flagged_lines(case.finding, case.here)
    if found is None:
        yield Refusal(reason="flagged lines not in the earlier source")
        return
    old, flagged = found
    new = later.text(old.path)
    if new is None:
        yield Refusal(reason="file deleted or renamed")
        return
    excuse = _excuse(case, later, old, new, flagged)
    yield from [Refusal(reason=excuse)] if excuse is not None else _cuts(case, old, new, flagged, later)


def _cuts(case: Case, old: SourceText, new: SourceText, flagged: Span, later: Snapshot) -> Iterator[Fix | Refusal]:
    """Yield the change, and after it, where lines speak for themselves, each part of the file's change alone."""
    changes = hunks(old.lines, new.lines)
    chosen = _chosen(old, new, flagged, changes)
    yield _change(case, old, new, flagged, later, chosen, changes)
    if language_of(old.path) in DECLARATIVE and 1 < len(changes) <= MOST_PARTS:
        for hunk in changes:
            single = _change(case, old, new, flagged, later, [hunk], changes)
            if isinstance(single, Fix):
                yield single if hunk in chosen else msgspec.structs.replace(single, note=f"{ELSEWHERE} {single.note}")


def _excuse(case: Case, later: Snapshot, old: SourceText, new: SourceText, flagged: Span) -> str | None:
    """Return why a finding is gone without anybody having mended anything, None when there is no such reason."""
    if case.finding.scanner.name not in case.seen_later:
        return "scanner didn't report in the later scan"
    if rule_disabled(case.finding, case.here, later):
        return "rule disabled in the scanner's settings"
    if new_suppression(old.text, new.text) is not None and _suppressed_here(old, new, flagged):
        return "suppressed by a comment"
    if any(line in case.again for line in _lines_after(old, new, flagged)):
        return "still reported, with changed code"
    if taken_elsewhere(old, flagged, later, case.elsewhere):
        return "code moved"
    return None


def _lines_after(old: SourceText, new: SourceText, flagged: Span) -> range:
    """Return the lines of the later file that the flagged ones became."""
    changes = hunks(old.lines, new.lines)
    first, last = mapped_lines(flagged, changes)
    return range(first, last + 1)


def _change(
    case: Case,
    old: SourceText,
    new: SourceText,
    flagged: Span,
    later: Snapshot,
    chosen: list[Hunk],
    changes: list[Hunk],
) -> Fix | Refusal:
    if not chosen:
        return Refusal(reason="flagged code not changed")
    span, new_span = replacement_span(chosen, changes, len(old.lines))
    before, after = old.block(*span), new.block(*new_span)
    if reason := _no_fix(old, new, before, after, span, new_span):
        return Refusal(reason=reason)
    if renamed(old, new, flagged, after):
        return Refusal(reason="only gets another name")
    if _lifted(old, new, flagged, changes) or moved(old, flagged, case.here, later, changes):
        return Refusal(reason="code moved")
    finding = case.finding
    return Fix(
        fingerprint=finding.fingerprint,
        source=FixSource.HISTORY,
        path=old.path,
        start_line=span[0],
        end_line=span[1],
        before=before,
        replacement=after,
        note=f"Changed by hand between two scans; {finding.scanner.name} no longer reports {finding.rule.id}.",
        companions=needed_elsewhere(old, new, after, changes, span),
    )


def _chosen(old: SourceText, new: SourceText, flagged: Span, changes: list[Hunk]) -> list[Hunk]:
    """Return the changes at the flagged lines with what belongs to them in the same block."""
    region = enclosing(old.path, old.text, flagged)
    inside = [hunk for hunk in changes if hunk.touches(region) and _within(old, new, region, hunk)]
    at_flagged = [hunk for hunk in inside if hunk.touches(flagged)]
    core = at_flagged or related(old, new, [], inside, "\n".join(old.lines[flagged[0] - 1 : flagged[1]]))
    if not core:
        core = inside if len(inside) == 1 else []
    return related(old, new, core, inside, "")


def _lifted(old: SourceText, new: SourceText, flagged: Span, changes: list[Hunk]) -> bool:
    """Tell whether the flagged lines stand unchanged under another header: lifted out into a new function."""
    if language_of(old.path) in DECLARATIVE or any(h.touches(flagged) and h.old_start < h.old_end for h in changes):
        return False
    before = block_of(old.path, old.text, flagged)
    after = block_of(new.path, new.text, (line_after(flagged[0], changes), line_after(flagged[1], changes)))
    if before is None or after is None:
        return False
    return old.lines[before[0] - 1].split("(")[0].strip() != new.lines[after[0] - 1].split("(")[0].strip()


def _within(old: SourceText, new: SourceText, region: Span, hunk: Hunk) -> bool:
    """Tell whether a change at the edge of a block is in it: lines added after its end, deeper than its start."""
    first, last = region
    if hunk.old_start < hunk.old_end or language_of(old.path) in WHOLE_FILE or first <= hunk.old_start < last:
        return True
    added = next((line for line in new.lines[hunk.new_start : hunk.new_end] if line.strip()), "")
    return hunk.old_start == last and _indent(added) > _indent(old.lines[first - 1])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _no_fix(old: SourceText, new: SourceText, before: str, after: str, span: Span, new_span: Span) -> str | None:
    if span[1] - span[0] >= LONGEST_BEFORE or new_span[1] - new_span[0] >= LONGEST_AFTER:
        return "change too wide"
    if not has_code(new.path, new.text) or not after.strip() or not has_code(old.path, after):
        return "code emptied"
    if code_lines(old.path, before) == code_lines(old.path, after):
        return "only comments or layout changed"
    if new_suppression(before, after) is not None:
        return "suppressed by a comment"
    return None


def _suppressed_here(old: SourceText, new: SourceText, flagged: Span) -> bool:
    """Tell whether a suppression was added in the flagged block or for the whole file."""
    for hunk in hunks(old.lines, new.lines):
        added = "\n".join(new.lines[hunk.new_start : hunk.new_end])
        removed = "\n".join(old.lines[hunk.old_start : hunk.old_end])
        near = hunk.touches((max(1, flagged[0] - 2), flagged[1] + 1))
        if new_suppression(removed, added) is not None and (near or hunk.old_start < 5):
            return True
    return False


def rule_disabled(finding: Finding, here: Snapshot, later: Snapshot) -> bool:
    """Tell whether a scanner's settings name the rule or the file more often in the later snapshot."""
    location = getattr(finding.location, "path", None) or ""
    for path in sorted(later.paths):
        if not is_scanner_setting(path):
            continue
        before, after = here.text(path), later.text(path)
        old, new = before.text if before else "", after.text if after else ""
        if any(word and new.count(word) > old.count(word) for word in (finding.rule.id, location)):
            return True
    return False
