"""What changed between two versions of a file, and the smallest replacement that holds chosen changes."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

from pipeline.source.interface import Span

_EXACT_UP_TO = 4000
"""Longer files are compared with difflib's heuristic: exact comparison is quadratic."""


_ALIKE = 0.5


class Hunk(NamedTuple):
    """Lines `old_start`..`old_end` became `new_start`..`new_end`: 0-based, end exclusive."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int

    def touches(self, span: Span) -> bool:
        """Tell whether the change is in or directly at lines `span` (1-based, inclusive) of the old file."""
        first, last = span
        if self.old_start == self.old_end:
            return first - 1 <= self.old_start <= last
        return self.old_start < last and first <= self.old_end

    def beside(self, other: Hunk) -> bool:
        """Tell whether two changes have no unchanged line between them."""
        return self.old_end == other.old_start or other.old_end == self.old_start


def hunks(old: tuple[str, ...], new: tuple[str, ...]) -> list[Hunk]:
    """Return what changed, top to bottom."""
    matcher = SequenceMatcher(None, old, new, autojunk=max(len(old), len(new)) > _EXACT_UP_TO)
    whole = (Hunk(a, b, c, d) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")
    return [part for hunk in whole for part in _by_line(hunk, old, new)]


def _by_line(hunk: Hunk, old: tuple[str, ...], new: tuple[str, ...]) -> list[Hunk]:
    """Split a change of lines that each became one that is like it: they are changes of their own.

    What is left over on one side, before or after the pairs, is a change of its own too.
    """
    olds, news = hunk.old_end - hunk.old_start, hunk.new_end - hunk.new_start
    pairs = min(olds, news)
    if pairs == 0 or (olds, news) == (1, 1):
        return [hunk]
    for offset_old, offset_new in dict.fromkeys(((0, 0), (olds - pairs, news - pairs))):
        first_old, first_new = hunk.old_start + offset_old, hunk.new_start + offset_new
        if all(_alike(old[first_old + number], new[first_new + number]) for number in range(pairs)):
            return _parts(hunk, first_old, first_new, pairs)
    return [hunk]


def _parts(hunk: Hunk, first_old: int, first_new: int, pairs: int) -> list[Hunk]:
    ahead = Hunk(hunk.old_start, first_old, hunk.new_start, first_new)
    lines = [
        Hunk(first_old + number, first_old + number + 1, first_new + number, first_new + number + 1)
        for number in range(pairs)
    ]
    behind = Hunk(first_old + pairs, hunk.old_end, first_new + pairs, hunk.new_end)
    return [part for part in (ahead, *lines, behind) if part.old_start < part.old_end or part.new_start < part.new_end]


def _alike(before: str, after: str) -> bool:
    return SequenceMatcher(None, before.strip(), after.strip(), autojunk=False).ratio() >= _ALIKE


def replacement_span(chosen: list[Hunk], all_hunks: list[Hunk], old_total: int) -> tuple[Span, Span]:
    """Return the lines (1-based, inclusive) that hold the chosen hunks, in the old and in the new file.

    A pure insertion takes the line before it along, so that there is a line to replace.
    """
    start = min(hunk.old_start for hunk in chosen)
    end = max(hunk.old_end for hunk in chosen)
    if start == end:
        start, end = (start - 1, end) if start > 0 else (start, min(end + 1, old_total))
    first = min((hunk.new_start for hunk in chosen if hunk.old_start == start), default=None)
    last = max((hunk.new_end for hunk in chosen if hunk.old_end == end), default=None)
    new_start = _of_line(start, all_hunks) if first is None else first
    new_end = _of_line(end - 1, all_hunks) + 1 if last is None else last
    return (start + 1, end), (new_start + 1, new_end)


def line_after(line: int, all_hunks: list[Hunk]) -> int:
    """Return where an unchanged line (1-based) stands in the new file."""
    return _of_line(line - 1, all_hunks) + 1


def _of_line(old: int, all_hunks: list[Hunk]) -> int:
    """Return the new index of an unchanged line (0-based)."""
    return old + sum(
        (hunk.new_end - hunk.new_start) - (hunk.old_end - hunk.old_start) for hunk in all_hunks if hunk.old_end <= old
    )


def mapped_lines(span: Span, all_hunks: list[Hunk]) -> Span:
    """Return the lines of the new file that lines `span` of the old one became."""
    start = _mapped(span[0] - 1, all_hunks, at_start=True)
    return start + 1, max(start + 1, _mapped(span[1], all_hunks, at_start=False))


def _mapped(old: int, all_hunks: list[Hunk], *, at_start: bool) -> int:
    """Return where an old position (0-based, between lines) lies in the new file."""
    shift = 0
    for hunk in all_hunks:
        if hunk.old_start > old or (hunk.old_start == old and at_start):
            break
        if hunk.old_end > old or (hunk.old_end == old and not at_start):
            return hunk.new_end if hunk.old_end == old else hunk.new_start
        shift = hunk.new_end - hunk.old_end
    return old + shift
