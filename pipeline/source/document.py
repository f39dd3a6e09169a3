"""A source file as excerpts need it: its lines, its language, what kind of file it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.source.interface import Absence, SourceTree
from pipeline.source.language import language_in
from pipeline.source.text import absence_of_text, decode, is_generated, is_vendored, lines_of


@dataclass(frozen=True, slots=True)
class Document:
    """A text file of a tree, decoded and split; `flags` holds `generated` and `vendored`."""

    path: str
    lines: tuple[str, ...]
    language: str
    flags: tuple[str, ...] = ()
    cache: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The whole text, every line ended."""
        return "".join(f"{line}\n" for line in self.lines)


def document_of(path: str, text: str) -> Document:
    """Return the document of a decoded text."""
    flags = (("generated",) if is_generated(path, text) else ()) + (("vendored",) if is_vendored(path) else ())
    return Document(path=path, lines=tuple(lines_of(text)), language=language_in(path, text), flags=flags)


def open_document(tree: SourceTree, path: str) -> Document | Absence:
    """Read a file of the tree as a document, or say why it can't be."""
    reading = tree.examine(path)
    if reading.content is None:
        return reading.absence or Absence.UNREADABLE
    absence = absence_of_text(reading.content)
    return document_of(path, decode(reading.content)) if absence is None else absence
