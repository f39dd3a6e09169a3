"""Blocks of line-based manifests: lock files that no grammar knows, and requirements.

`gradle.lockfile` and `requirements.txt` have an entry a line (continued by `\\`), `yarn.lock`
a paragraph an entry, `Gemfile.lock` an entry with deeper lines below it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence

from pipeline.source.blocks.interface import Block, Kind
from pipeline.source.interface import Span
from pipeline.source.sketch import LONGEST_READ

_LINES = frozenset({"gradle.lockfile", "buildscript-gradle.lockfile", "go.sum", "go.mod"})
_PARAGRAPHS = frozenset({"yarn.lock"})
_INDENTED = frozenset({"gemfile.lock", "podfile.lock", "mix.lock"})


def is_line_manifest(path: str) -> bool:
    """Tell whether the file is a manifest read by lines."""
    name = posixpath.basename(path).lower()
    known = name in _LINES | _PARAGRAPHS | _INDENTED
    return known or (name.startswith(("requirements", "constraints")) and name.endswith((".txt", ".in")))


def entry_blocks(path: str, lines: Sequence[str], flagged: Span) -> list[Block]:
    """Return the entry the flagged lines are in; nothing when they are in several."""
    name = posixpath.basename(path).lower()
    if name in _PARAGRAPHS:
        span = _grown(lines, flagged, lambda line: bool(line[:1].strip()))
    elif name in _INDENTED:
        depth = _indent(lines[flagged[0] - 1])
        span = _grown(lines, flagged, lambda line: _indent(line) <= min(depth, 4))
    else:
        span = _continued(lines, flagged)
    label = lines[span[0] - 1].strip()[:LONGEST_READ].split(" ")[0].strip("\"',:\\")
    return [Block(span=span, name=label, kind=Kind.UNIT, signature=(span[0], span[0]))]


def _grown(lines: Sequence[str], flagged: Span, starts: Callable[[str], bool]) -> Span:
    first, last = flagged
    while first > 1 and not starts(lines[first - 1]):
        first -= 1
    while last < len(lines) and lines[last].strip() and not starts(lines[last]):
        last += 1
    return first, last


def _continued(lines: Sequence[str], flagged: Span) -> Span:
    first, last = flagged
    while first > 1 and lines[first - 2].rstrip().endswith("\\"):
        first -= 1
    while last < len(lines) and lines[last - 1].rstrip().endswith("\\"):
        last += 1
    return first, last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
