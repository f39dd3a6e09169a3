"""Blocks of a Dockerfile: build stages and their instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.source.blocks.interface import Block, Kind
from pipeline.source.blocks.parsing import span_of, text_of
from pipeline.source.interface import Span

if TYPE_CHECKING:
    from tree_sitter import Node


def dockerfile_blocks(root: Node, flagged: Span) -> list[Block]:
    """Return the stage the flagged lines are in, and the instruction; nothing when they span stages."""
    stage = _stage(root, flagged)
    if stage is None:
        return []
    instructions = [node for node in root.named_children if _holds(span_of(node), flagged)]
    return [stage] + [_instruction(node) for node in instructions[:1] if node.type != "from_instruction"]


def _stage(root: Node, flagged: Span) -> Block | None:
    starts = [node for node in root.named_children if node.type == "from_instruction"]
    if not starts:
        return None
    ends = [span_of(node)[0] - 1 for node in starts[1:]] + [span_of(root)[1]]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        span = (span_of(start)[0], end)
        if _holds(span, flagged):
            return Block(span=span, name=f"stage {_name(start, number)}", kind=Kind.UNIT, signature=span_of(start))
    return None


def _name(start: Node, number: int) -> str:
    alias = next((child for child in start.named_children if child.type == "image_alias"), None)
    return text_of(alias) if alias is not None else str(number)


def _instruction(node: Node) -> Block:
    name = node.type.removesuffix("_instruction").upper()
    first, last = span_of(node)
    return Block(span=(first, last), name=name, kind=Kind.PART, signature=(first, first))


def _holds(outer: Span, inner: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
