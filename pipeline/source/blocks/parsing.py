"""Parsing with tree-sitter, and judging how much of a file a parse understood."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pipeline.source.interface import Span
from pipeline.source.sketch import LONGEST_READ

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_ERROR_SHARE = 0.5
"""A parse with more of the file in errors than this is worth no more than a window of lines."""


MAX_SECONDS = 5.0
"""CPU seconds a parse may take: two megabytes of code take less than three."""

_SMALL = 2000
_CHUNK = 1 << 20
_DEEP_YAML = re.compile(rb"^[ \t\-?]{240}", re.MULTILINE)
_MOST_OPEN = {"kotlin": 500, "perl": 60}


@cache
def parser_of(language: str) -> Parser | None:
    """Return the parser of a language, None when there is no grammar for it."""
    from tree_sitter_language_pack import get_parser

    try:
        return cast("Parser", get_parser(cast(Any, language)))
    except LookupError:
        return None


def parse(language: str, source: bytes) -> Node | None:
    """Return the root of a parse; None without a grammar, and for what the grammar can't be trusted with.

    That is a text nested so deep that its scanner crashes, and one that takes more than `MAX_SECONDS`
    of CPU: what is no text of the language at all may take the square of its length.
    """
    parser = parser_of(language)
    if parser is None or _is_too_deep(language, source):
        return None
    if len(source) <= _SMALL:
        return parser.parse(source).root_node
    limit = time.thread_time() + MAX_SECONDS
    try:
        found = parser.parse(
            lambda offset, _: source[offset : offset + _CHUNK], progress_callback=lambda *_: time.thread_time() > limit
        )
    except ValueError:
        parser.reset()
        return None
    return parser.parse(source, found).root_node  # all of it is used again; this one holds its text


def _is_too_deep(language: str, source: bytes) -> bool:
    """Tell a text on which a grammar's scanner overruns its stack: YAML of 254 levels, texts inside of texts."""
    if language == "yaml":
        return _DEEP_YAML.search(source) is not None
    most = _MOST_OPEN.get(language)
    if most is None or source.count(b"{") < most:
        return False
    steps = (1 if bracket[0] == b"{" else -1 for bracket in re.finditer(rb"[{}]", source))
    return max(itertools.accumulate(steps), default=0) >= most


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


def text_of(node: Node) -> str:
    """Return a node's text on one line, cut far behind what is shown of a name: it is redacted before."""
    text = (node.text or b"").decode("utf-8", "replace")
    return " ".join(text.split())[:LONGEST_READ]


def _errors(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error:
            yield node
        elif node.has_error:
            waiting.extend(node.children)
