"""The seam of the block finders: a chain of blocks around the flagged lines, outermost first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.records import Tier
from pipeline.source.interface import Span


class Kind(StrEnum):
    """What a block is for an excerpt.

    A unit is what a person would look at as a whole: a function, a resource, a job. A
    container holds units: a class, a play. A part is a piece of a unit: a step, a nested block.
    """

    CONTAINER = "container"
    UNIT = "unit"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together. `signature` are the first of them, which say what it is."""

    span: Span
    name: str
    kind: Kind
    signature: Span


@dataclass(frozen=True, slots=True)
class Outline:
    """What a parse says of the flagged lines: the blocks around them and the lines that import names."""

    tier: Tier
    blocks: tuple[Block, ...] = ()
    imports: tuple[int, ...] = ()
    separator: str = "."


NOTHING = Outline(tier=Tier.WINDOW)
"""What is known of a file whose language has no parser here, or that its parser can't read."""
