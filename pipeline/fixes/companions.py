"""Imports a change needs and that stand elsewhere in the file."""

from __future__ import annotations

import re

from pipeline.fixes.code import identifiers
from pipeline.fixes.hunks import Hunk
from pipeline.fixes.text import SourceText
from pipeline.records import TextEdit
from pipeline.source.interface import Span

_IMPORT = re.compile(
    r"""^\s*(?:from\s+\S+\s+import\b|import\b|using\s+\w|use\s+\w|\#include\b|require(?:_relative|_once)?\b|extern\s+crate
    |(?:const|let|var)\s+[\w${},\s:]+=\s*(?:await\s+)?(?:require|import)\s*\()""",
    re.VERBOSE,
)


def imports_needed(
    old: SourceText, new: SourceText, replacement: str, changes: list[Hunk], span: Span
) -> tuple[TextEdit, ...]:
    """Return the import lines added outside `span` that name something the replacement uses."""
    known = {name for line in old.lines if _IMPORT.match(line) for name in identifiers(line)}
    wanted = identifiers(replacement) - known
    edits = []
    for hunk in changes:
        added = new.lines[hunk.new_start : hunk.new_end]
        if hunk.touches(span) or not added or not _IMPORT.match(added[0].strip() or added[-1]):
            continue
        single = all(_IMPORT.match(line) or not line.strip() for line in added)
        needed = [line for line in added if identifiers(line) & wanted]
        if needed:
            edits.append(_inserted(old, hunk, needed if single else list(added)))
    return tuple(edits)


def _inserted(old: SourceText, hunk: Hunk, needed: list[str]) -> TextEdit:
    """Return the edit that puts lines where they were added and keeps what stood there."""
    block = "".join(f"{line}\n" for line in needed)
    if hunk.old_start < len(old.lines):
        place = hunk.old_start + 1
        return TextEdit(path=old.path, start_line=place, end_line=place, text=block + old.block(place, place))
    place = len(old.lines)
    return TextEdit(path=old.path, start_line=place, end_line=place, text=old.lines[-1] + "\n" + block)
