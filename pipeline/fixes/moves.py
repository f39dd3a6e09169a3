"""Code that only went somewhere else: the flagged lines stand in another place of the later snapshot."""

from __future__ import annotations

import builtins
import re

from pipeline.fixes.code import identifiers
from pipeline.fixes.hunks import Hunk
from pipeline.fixes.interface import Snapshot
from pipeline.fixes.text import SourceText
from pipeline.source.interface import Span

LONGEST_FLAGGED = 12
"""More flagged lines than this name a whole block, of which a part was changed."""
_ALIAS = re.compile(r"^\s*([A-Za-z_]\w*)\s*=\s*([A-Za-z_][\w.]*)\s*$")
_CALLED = re.compile(r"([A-Za-z_]\w*)\s*\(")
_COMMON = frozenset(dir(builtins)) - {"eval", "exec", "compile", "open", "input", "__import__"}
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


def taken_elsewhere(old: SourceText, flagged: Span, later: Snapshot, elsewhere: frozenset[tuple[str, int]]) -> bool:
    """Tell whether another file has a new finding of the rule, on a line that calls what the flagged ones call."""
    calls = called("\n".join(old.lines[flagged[0] - 1 : flagged[1]]))
    for path, line in sorted(elsewhere):
        text = later.text(path)
        if path != old.path and text is not None and calls & called(text.block(line, line)):
            return True
    return False


def renamed(old: SourceText, new: SourceText, flagged: Span, replacement: str) -> bool:
    """Tell whether the later file gives what the flagged lines call another name, which the replacement uses."""
    calls = called("\n".join(old.lines[flagged[0] - 1 : flagged[1]]))
    pairs = (match.groups() for line in new.lines if (match := _ALIAS.match(line)))
    return any(value.rpartition(".")[2] in calls and name in identifiers(replacement) for name, value in pairs)


def called(text: str) -> set[str]:
    """Return the names a text calls, without what owns them."""
    return (set(_CALLED.findall(text)) & identifiers(text)) - _COMMON
