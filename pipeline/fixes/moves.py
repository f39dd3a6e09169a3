"""Code that only went somewhere else: the flagged lines stand in another place of the later snapshot."""

from __future__ import annotations

from pipeline.fixes.hunks import Hunk
from pipeline.fixes.interface import Snapshot
from pipeline.fixes.text import SourceText
from pipeline.source.interface import Span

LONGEST_FLAGGED = 12
"""More flagged lines than this name a whole block, of which a part was changed."""
SHORTEST = 12
"""Fewer characters than this stand everywhere."""


def moved(old: SourceText, flagged: Span, here: Snapshot, later: Snapshot, changes: list[Hunk]) -> bool:
    """Tell whether the flagged lines were taken out here and put in elsewhere, in this file or a new one."""
    wanted = _plain(old.lines[flagged[0] - 1 : flagged[1]])
    if flagged[1] - flagged[0] >= LONGEST_FLAGGED or len("".join(wanted)) < SHORTEST:
        return False
    if not any(hunk.touches(flagged) and hunk.old_start < hunk.old_end for hunk in changes):
        return False
    new = later.text(old.path)
    added = [_plain(new.lines[hunk.new_start : hunk.new_end]) for hunk in changes] if new is not None else []
    if any(_holds(lines, wanted) for lines in added):
        return True
    suffix = old.path.rpartition(".")[2]
    fresh = sorted(path for path in later.paths - here.paths if path.rpartition(".")[2] == suffix)
    texts = (later.text(path) for path in fresh)
    return any(text is not None and _holds(_plain(text.lines), wanted) for text in texts)


def _plain(lines: tuple[str, ...]) -> list[str]:
    return [" ".join(line.split()) for line in lines if line.strip()]


def _holds(lines: list[str], wanted: list[str]) -> bool:
    return any(lines[start : start + len(wanted)] == wanted for start in range(len(lines) - len(wanted) + 1))
