"""A fix applied in memory: the file before and after, and what differs between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.fixes.code import code_lines
from pipeline.fixes.flagged import flagged_lines
from pipeline.fixes.interface import Snapshot
from pipeline.fixes.text import SourceText, changed_span
from pipeline.records import Finding, Fix, TextEdit
from pipeline.source.interface import Span
from pipeline.source.language import language_of

_MARK = re.compile(r"\[redacted:[a-z0-9\-]{1,32}:[0-9a-f]{8}\]")
HIDDEN = re.compile(rf"{_MARK.pattern}|\[REDACTED\]")


class Stale(Exception):
    """The fix doesn't fit the tree: other lines stand there now."""


@dataclass(frozen=True, slots=True)
class Change:
    """A finding, its fix, and the file before and after; `flagged` are lines of `before`, `here` is the whole tree."""

    finding: Finding
    fix: Fix
    before: SourceText
    after: SourceText
    flagged: Span
    old_span: Span
    new_span: Span
    here: Snapshot

    @property
    def path(self) -> str:
        """The changed file's path."""
        return self.before.path

    @property
    def language(self) -> str:
        """The changed file's language."""
        return language_of(self.path)

    @property
    def removed(self) -> str:
        """The lines from the first to the last difference, as they were."""
        return self.before.block(*self.old_span)

    @property
    def added(self) -> str:
        """The lines from the first to the last difference, as they are with the fix."""
        return self.after.block(*self.new_span)


def difference(change: Change) -> tuple[list[str], list[str]]:
    """Return the lines of code that only the file before holds, and those only the file after holds, in order."""
    before, after = (code_lines(change.path, text.text) for text in (change.before, change.after))
    return _without(before, after), _without(after, before)


def _without(lines: Sequence[str], others: Sequence[str]) -> list[str]:
    left, kept = Counter(others), []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            kept.append(line)
    return kept


def apply(finding: Finding, fix: Fix, snapshot: Snapshot) -> Change:
    """Return the change a fix makes; raise Stale when it doesn't fit the tree."""
    before = snapshot.text(fix.path)
    if before is None:
        raise Stale("the file isn't in the source")
    if not 1 <= fix.start_line <= fix.end_line <= len(before.lines):
        raise Stale("the lines aren't in the file")
    if not _stands(fix.before, before.block(fix.start_line, fix.end_line)):
        raise Stale("other lines stand there now")
    if any(mark not in before.text for mark in _MARK.findall(fix.replacement)):
        raise Stale("it writes the mark that hides a secret")
    after = SourceText.of(before.path, _applied(fix, before))
    old_span, new_span = changed_span(before.lines, after.lines)
    found = flagged_lines(finding, snapshot)
    same = found is not None and found[0].path == before.path
    flagged = found[1] if found is not None and same else (fix.start_line, fix.end_line)
    return Change(finding, fix, before, after, flagged, old_span, new_span, snapshot)


def _applied(fix: Fix, before: SourceText) -> str:
    main = TextEdit(path=fix.path, start_line=fix.start_line, end_line=fix.end_line, text=fix.replacement)
    if not fix.replacement:
        return before.replaced(fix.start_line, fix.end_line, "")
    try:
        return before.edited((main, *fix.companions))
    except ValueError as error:
        raise Stale(str(error)) from error


def _stands(said: str, there: str) -> bool:
    """Compare with what stands there; a hidden secret fits anything on its line."""
    if said == there:
        return True
    parts = HIDDEN.split(said)
    if len(parts) == 1:
        return False
    return re.fullmatch("[^\n]*".join(re.escape(part) for part in parts), there) is not None
