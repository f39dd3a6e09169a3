"""Parsing with tree-sitter, and judging how much of a file a parse understood."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pipeline.source.interface import Span

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_ERROR_SHARE = 0.5
"""A parse with more of the file in errors than this is worth no more than a window of lines."""


@cache
def parser_of(language: str) -> Parser | None:
    """Return the parser of a language, None when there is no grammar for it."""
    from tree_sitter_language_pack import get_parser

    try:
        return cast("Parser", get_parser(cast(Any, language)))
    except LookupError:
        return None


def parse(language: str, source: bytes) -> Node | None:
    """Return the root of a parse, None when the language has no grammar."""
    parser = parser_of(language)
    return None if parser is None else parser.parse(source).root_node


def error_share(root: Node) -> float:
    """Return the share of a file's bytes that lie in parts the grammar couldn't place."""
    total = max(1, root.end_byte - root.start_byte)
    return sum(node.end_byte - node.start_byte for node in _errors(root)) / total


def chain(root: Node, source: bytes, flagged: Span) -> list[Node]:
    """Return the nodes around the flagged lines, outermost first, without the root."""
    lines = source.split(b"\n")
    first, last = flagged[0] - 1, min(flagged[1], len(lines)) - 1
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last].strip():
        last -= 1
    start = (first, len(lines[first]) - len(lines[first].lstrip()))
    end = (last, max(len(lines[last].rstrip()), 1) - (0 if first == last and not lines[last].strip() else 1))
    node = root.descendant_for_point_range(start, max(start, end))
    found: list[Node] = []
    while node is not None and node != root:
        if node.is_named:
            found.append(node)
        node = node.parent
    return found[::-1]


def span_of(node: Node) -> Span:
    """Return a node's first and last line; a line end that belongs to it adds no line."""
    first, last = node.start_point[0], node.end_point[0]
    if node.end_point[1] == 0 and last > first:
        last -= 1
    return first + 1, last + 1


def text_of(node: Node, limit: int = 120) -> str:
    """Return a node's text on one line, cut to `limit` characters."""
    text = (node.text or b"").decode("utf-8", "replace")
    return " ".join(text.split())[:limit]


def _errors(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error:
            yield node
        elif node.has_error:
            waiting.extend(node.children)
