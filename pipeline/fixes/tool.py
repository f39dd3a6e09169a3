"""Fixes the scanners propose themselves (SARIF `fixes`, Semgrep, ruff, zizmor, ESLint): whole lines, one file."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.fixes.flagged import flagged_lines
from pipeline.fixes.hunks import Hunk, hunks, replacement_span
from pipeline.fixes.interface import Case, Refusal
from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix, FixSource, TextEdit
from pipeline.source.interface import Span

LONGEST = 40
"""Lines a tool's fix may replace; what is wider is cut into the flagged part and its companions."""


class ToolFixes:
    """Turns the report's proposed edits into fixes; verification decides what they are worth."""

    source = FixSource.TOOL

    def propose(self, case: Case) -> Iterator[Fix | Refusal]:
        """Yield a fix for each proposed group of edits that can be applied."""
        for group in case.finding.hints.edits:
            yield _fix(case, group)


def _fix(case: Case, group: tuple[TextEdit, ...]) -> Fix | Refusal:
    if len({edit.path for edit in group}) != 1:
        return Refusal(reason="edits in several files")
    text = case.here.find(group[0].path)
    if text is None:
        return Refusal(reason="file not in the source")
    try:
        after = SourceText.of(text.path, text.edited(tuple(whole_lines(edit, text) for edit in group)))
    except ValueError as error:
        return Refusal(reason=str(error))
    changes = hunks(text.lines, after.lines)
    if not changes:
        return Refusal(reason="changes nothing")
    found = flagged_lines(case.finding, case.here)
    flagged = found[1] if found is not None and found[0].path == text.path else (1, len(text.lines))
    return _narrowed(case.finding, text, after, changes, flagged)


def whole_lines(edit: TextEdit, text: SourceText) -> TextEdit:
    """Return the edit without columns when its text holds what stands before and after them.

    Semgrep's SARIF gives whole fixed lines beside the columns of the match alone.
    """
    if edit.start_column is None or edit.end_column is None or edit.end_line > len(text.lines):
        return edit
    ahead = text.lines[edit.start_line - 1][: edit.start_column - 1]
    behind = text.lines[edit.end_line - 1][edit.end_column - 1 :]
    given = edit.text.rstrip("\n")
    if not ahead + behind or not (given.startswith(ahead) and given.endswith(behind)):
        return edit
    if not ahead.strip() and not behind.strip() and not ahead:
        return edit
    return TextEdit(path=edit.path, start_line=edit.start_line, end_line=edit.end_line, text=given)


def _narrowed(
    finding: Finding, text: SourceText, after: SourceText, changes: list[Hunk], flagged: Span
) -> Fix | Refusal:
    chosen = changes
    span, new = replacement_span(chosen, changes, len(text.lines))
    if span[1] - span[0] >= LONGEST:
        chosen = [hunk for hunk in changes if hunk.touches(flagged)]
        if not chosen:
            return Refusal(reason="too wide")
        span, new = replacement_span(chosen, changes, len(text.lines))
    companions = tuple(_companion(text, after, hunk, changes) for hunk in changes if not hunk.touches(span))
    return Fix(
        fingerprint=finding.fingerprint,
        source=FixSource.TOOL,
        path=text.path,
        start_line=span[0],
        end_line=span[1],
        before=text.block(*span),
        replacement=after.block(*new),
        note=f"Proposed by {finding.scanner.name}.",
        companions=companions,
    )


def _companion(text: SourceText, after: SourceText, hunk: Hunk, changes: list[Hunk]) -> TextEdit:
    """Return a change elsewhere in the file that the fix needs, such as an import."""
    span, new = replacement_span([hunk], changes, len(text.lines))
    return TextEdit(path=text.path, start_line=span[0], end_line=span[1], text=after.block(*new))
