"""Which lines an excerpt shows: a whole block when it fits, else the best part of it, and what goes above it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from config.settings import Source
from pipeline.source.blocks.interface import Block, Kind, Outline
from pipeline.source.interface import Span
from pipeline.source.trim import best_window, line_weights, shrink
from pipeline.source.window import window

MAX_IMPORTS = 12
MAX_HEADER = 20
_WORD = re.compile(r"[A-Za-z_]\w*")
_NOT_NAMES = frozenset({
    "import", "from", "const", "let", "var", "require", "require_relative", "use", "using", "package", "as", "static",
    "type", "include", "namespace",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """The lines to show, the names of what they are in, outermost first, and the lines to put above them."""

    shown: Span
    names: tuple[str, ...]
    header: tuple[int, ...]


def choose(lines: Sequence[str], flagged: Span, outline: Outline, flow: Collection[int], settings: Source) -> Choice:
    """Return the lines to show of a document for the flagged ones; those are always among them."""
    block = _block(outline.blocks, flagged, settings.max_lines)
    if block is None:
        shown = window(flagged, len(lines), settings.context_lines, settings.max_lines)
    else:
        weights = line_weights(lines[block.span[0] - 1 : block.span[1]], flow, block.span[0])
        shown = best_window(block.span, flagged, weights, settings.max_lines)
    text = lines[shown[0] - 1 : shown[1]]
    shown = shrink(shown, flagged, text, line_weights(text, flow, shown[0]), settings.max_characters)
    return Choice(shown=shown, names=_names(outline, block), header=_header(lines, outline, block, shown))


def _block(blocks: Sequence[Block], flagged: Span, max_lines: int) -> Block | None:
    """Return the outermost unit or part that fits; else the innermost; a container only without them."""
    around = [block for block in blocks if block.span[0] <= flagged[0] and flagged[1] <= block.span[1]]
    units = [block for block in around if block.kind is not Kind.CONTAINER]
    fitting = [block for block in units if block.span[1] - block.span[0] < max_lines]
    if fitting:
        return fitting[0]
    inner = units or around
    return inner[-1] if inner else None


def _names(outline: Outline, block: Block | None) -> tuple[str, ...]:
    names = []
    for one in outline.blocks:
        if one.name and one.name != "-":
            names.append(one.name)
        if one is block:
            break
    return tuple(names)


def _header(lines: Sequence[str], outline: Outline, block: Block | None, shown: Span) -> tuple[int, ...]:
    """Return the lines above: imports of names that are shown, then signatures of the blocks around."""
    numbers = _used_imports(lines, outline.imports, shown)[:MAX_IMPORTS]
    for one in outline.blocks:
        if block is None or one.span[0] <= block.span[0]:
            numbers += range(one.signature[0], one.signature[1] + 1)
    return tuple(number for number in sorted(set(numbers)) if not shown[0] <= number <= shown[1])[-MAX_HEADER:]


def _used_imports(lines: Sequence[str], imports: Iterable[int], shown: Span) -> list[int]:
    words = {word for line in lines[shown[0] - 1 : shown[1]] for word in _WORD.findall(line)}
    return [
        number
        for number in imports
        if lines[number - 1].lstrip().startswith("#include")
        or words & (set(_WORD.findall(lines[number - 1])) - _NOT_NAMES)
    ]
