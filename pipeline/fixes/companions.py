"""What a change needs and what stands elsewhere in the file: imports, and functions or constants added with it."""

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

_DEFINED = re.compile(
    r"^(?:export\s+)?(?:async\s+)?(?:def|function|class|func|fn)\s+([A-Za-z_$][\w$]*)"
    r"|^(?:const\s+|let\s+|var\s+)?([A-Za-z_$][\w$]*)\s*(?::[^=]+)?=(?!=)"
)


def needed_elsewhere(
    old: SourceText, new: SourceText, replacement: str, changes: list[Hunk], span: Span
) -> tuple[TextEdit, ...]:
    """Return what was added outside `span` and names something the replacement uses."""
    edits = _definitions(old, new, replacement, changes, span)
    known = {name for line in old.lines if _IMPORT.match(line) for name in identifiers(line)}
    wanted = identifiers(replacement) - known
    for hunk in changes:
        added = new.lines[hunk.new_start : hunk.new_end]
        if hunk.touches(span) or not added or not _IMPORT.match(added[0].strip() or added[-1]):
            continue
        single = all(_IMPORT.match(line) or not line.strip() for line in added)
        needed = [line for line in added if identifiers(line) & wanted]
        if needed:
            edits.append(_inserted(old, hunk, needed if single else list(added)))
    return tuple(edits)


def _definitions(old: SourceText, new: SourceText, replacement: str, changes: list[Hunk], span: Span) -> list[TextEdit]:
    """Return what was added at the top level of the file and defines a name only the replacement knows."""
    wanted = identifiers(replacement) - identifiers(old.text)
    edits = []
    for hunk in changes:
        added = list(new.lines[hunk.new_start : hunk.new_end])
        pure = hunk.old_start == hunk.old_end and not hunk.touches(span)
        if pure and wanted & {name for line in added for pair in _DEFINED.findall(line) for name in pair if name}:
            edits.append(_inserted(old, hunk, added))
    return edits


def _inserted(old: SourceText, hunk: Hunk, needed: list[str]) -> TextEdit:
    """Return the edit that puts lines where they were added and keeps what stood there."""
    block = "".join(f"{line}\n" for line in needed)
    if hunk.old_start < len(old.lines):
        place = hunk.old_start + 1
        return TextEdit(path=old.path, start_line=place, end_line=place, text=block + old.block(place, place))
    place = len(old.lines)
    return TextEdit(path=old.path, start_line=place, end_line=place, text=old.lines[-1] + "\n" + block)
