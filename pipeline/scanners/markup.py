"""XML from strangers, read as a stream by expat itself: no DTD, no entities, bounded depth.

Expat calls back for each element, so time grows with the file and memory with one element;
a tree built in Python takes thirty times as long. A document type declaration is refused
where it begins, before anything of it is read: without one there are no entities to expand
and nothing outside to fetch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from xml.parsers import expat

CHUNK = 1 << 18
DEEPEST = 64
LONGEST_TOKEN = 1 << 24
"""A tag is looked at anew with each chunk until it ends: one longer than this is refused."""


class MarkupUnsafe(Exception):
    """The document has what no report needs and an attack does."""


class MarkupBroken(Exception):
    """The document breaks off, is no XML or is nested too deep; what came before was given."""


class Elements(Protocol):
    """What is called for each element; `depth` is 1 for the root."""

    def start(self, name: str, attributes: dict[str, str], depth: int) -> None:
        """Take the start of an element."""
        ...

    def end(self, name: str, text: str | None, depth: int) -> None:
        """Take its end, with its text when it has no child."""
        ...


def parse(path: Path, elements: Elements) -> Iterator[None]:
    """Call `elements` for the document's elements, and yield now and then.

    The text is taken for UTF-8, whatever its first line says. Raises MarkupUnsafe or MarkupBroken.
    """
    parser = _parser(elements)
    fed = 0
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                fed += len(chunk)
                parser.Parse(chunk, False)
                yield
                if fed - parser.CurrentByteIndex > LONGEST_TOKEN:
                    raise MarkupBroken(f"a piece longer than {LONGEST_TOKEN} bytes")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise MarkupBroken(f"truncated or broken XML: {str(error)[:200]}") from error


def _parser(elements: Elements) -> expat.XMLParserType:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    walk = _Walk(elements)
    parser.StartElementHandler = walk.start
    parser.EndElementHandler = walk.end
    parser.CharacterDataHandler = walk.texts.append
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    return parser


def _refuse(*_declaration: Any) -> None:
    raise MarkupUnsafe("it declares a document type")


class _Walk:
    """Depth and text on the way through a document."""

    def __init__(self, elements: Elements) -> None:
        self._start, self._end = elements.start, elements.end
        self._depth = 0
        self._is_leaf = False
        self.texts: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise MarkupBroken(f"nested more than {DEEPEST} deep: the rest is not read")
        self._is_leaf = True
        self.texts.clear()
        self._start(name, attributes, self._depth)

    def end(self, name: str) -> None:
        self._end(name, "".join(self.texts) if self._is_leaf else None, self._depth)
        self._is_leaf = False
        self.texts.clear()
        self._depth -= 1
