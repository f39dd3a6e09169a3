"""Which changes of a block belong together: those that change the same names."""

from __future__ import annotations

import re

from pipeline.fixes.code import identifiers
from pipeline.fixes.hunks import Hunk
from pipeline.fixes.text import SourceText

_ASSIGNED = re.compile(r"^\s*(?:[\w<>\[\],.]+\s+)*?([A-Za-z_$][\w$]*)\s*(?::[^=]+)?:?=(?!=)", re.MULTILINE)


def related(old: SourceText, new: SourceText, core: list[Hunk], candidates: list[Hunk], words: str) -> list[Hunk]:
    """Return `core` and the candidates that share a changed name with it, or a name with `words`, in order."""
    chosen = set(core)
    names = {hunk: changed_names(old, new, hunk) for hunk in {*core, *candidates}}
    wanted = identifiers(words).union(*(names[hunk] for hunk in core))
    grown = True
    while grown:
        grown = False
        for hunk in candidates:
            linked = any(_feeds(old, new, hunk, other) or _feeds(old, new, other, hunk) for other in chosen)
            if hunk not in chosen and (linked or wanted & names[hunk]):
                chosen.add(hunk)
                wanted |= names[hunk]
                grown = True
    return sorted(chosen)


def _feeds(old: SourceText, new: SourceText, one: Hunk, other: Hunk) -> bool:
    """Tell whether a name set in the lines of one change is used in those of the other."""
    assigned = set(_ASSIGNED.findall(_both(old, new, one)))
    return bool(assigned & identifiers(_both(old, new, other)))


def _both(old: SourceText, new: SourceText, hunk: Hunk) -> str:
    return "\n".join(old.lines[hunk.old_start : hunk.old_end] + new.lines[hunk.new_start : hunk.new_end])


def changed_names(old: SourceText, new: SourceText, hunk: Hunk) -> set[str]:
    """Return the names a change adds or takes away."""
    before = identifiers("\n".join(old.lines[hunk.old_start : hunk.old_end]))
    after = identifiers("\n".join(new.lines[hunk.new_start : hunk.new_end]))
    return before ^ after
