"""The block the flagged lines live in: a function, a resource, a job; by tree-sitter, else by distance."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pipeline.source.blocks import parsing
from pipeline.source.interface import Span
from pipeline.source.language import language_of

MARGIN = 3
"""Lines before and after that belong to flagged lines outside any block."""
LONGEST = 120
"""A block longer than this says too little about where the weakness is."""

_BLOCKS = frozenset(
    """function_definition function_declaration method_definition method_declaration constructor_declaration
    arrow_function function_expression function generator_function_declaration lambda_expression decorated_definition
    singleton_method method function_item impl_item closure_expression local_function_statement
    block block_mapping_pair block_sequence_item pair from_instruction element table""".split()  # noqa: SIM905
)
WHOLE_FILE = frozenset({"dockerfile"})
_NESTED = frozenset({"yaml", "json", "xml", "hcl"})
"""Formats in which a block must have some lines: a scalar's own pair is not where it lives."""
_FEWEST_LINES = 4


def enclosing(path: str, text: str, flagged: Span) -> Span:
    """Return first and last line of the smallest block that holds the flagged lines, 1-based and inclusive."""
    total = max(1, text.count("\n") + (not text.endswith("\n")))
    language = language_of(path)
    if language in WHOLE_FILE:
        return 1, total
    around = max(1, flagged[0] - MARGIN), min(total, flagged[1] + MARGIN)
    node = block_of(path, text, flagged)
    if node is None:
        return around
    return min(node[0], flagged[0]), max(node[1], flagged[1])


def block_of(path: str, text: str, flagged: Span) -> Span | None:
    """Return the smallest block that holds the flagged lines by the parse, None when there is none."""
    language = language_of(path)
    root = parse(language, text)
    if root is None:
        return None
    start = (flagged[0] - 1, _indent(text, flagged[0]))
    node = root.descendant_for_point_range(start, (flagged[1] - 1, max(start[1], _indent(text, flagged[1]))))
    wanted = _BLOCKS if language in _NESTED else _BLOCKS - {"block", "pair", "element"}
    fewest = _FEWEST_LINES if language in _NESTED else 1
    while node is not None:
        first, last = node.start_point[0] + 1, node.end_point[0] + 1
        if node.type in wanted and last - first + 1 >= fewest and first <= flagged[0] and flagged[1] <= last:
            return (first, last) if last - first < LONGEST else None
        node = node.parent
    return None


def _indent(text: str, line: int) -> int:
    content = text.split("\n")[line - 1]
    return len(content.encode()) - len(content.lstrip().encode())


@lru_cache(maxsize=16)
def parse(language: str, text: str) -> Any:
    """Return tree-sitter's root node, None when there is no grammar for the language."""
    return parsing.parse(language, text.encode("utf-8", "surrogateescape"))
