"""Excerpts by lines alone: the flagged lines and their neighbours."""

from __future__ import annotations

from pipeline.source.interface import Span


def window(flagged: Span, total: int, context_lines: int, max_lines: int) -> Span:
    """Return the flagged lines with up to `context_lines` on both sides, `max_lines` in all.

    The flagged lines are always inside, even when they alone are more than `max_lines`.
    """
    first, last = flagged
    spare = max(0, max_lines - (last - first + 1))
    before = min(context_lines, first - 1, spare - min(context_lines, total - last, spare // 2))
    after = min(context_lines, total - last, spare - before)
    return first - before, last + after


def clamp(start: int | None, end: int | None, total: int) -> Span | None:
    """Return flagged lines cut to a file of `total` lines; None when they begin past its end."""
    if start is None:
        return None
    first = max(1, start)
    if first > total:
        return None
    return first, min(max(first, end or first), total)
