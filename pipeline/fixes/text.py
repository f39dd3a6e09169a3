"""A file as fixes need it: numbered lines, cut and replaced without touching the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pipeline.records import TextEdit
from pipeline.source.interface import SourceTree, Span
from pipeline.source.text import absence_of_text, decode, lines_of


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text file of a tree: its lines without ends, and whether the last one is ended."""

    path: str
    lines: tuple[str, ...]
    ended: bool = True

    @classmethod
    def of(cls, path: str, text: str) -> Self:
        """Return the file of a decoded text."""
        return cls(path, tuple(lines_of(text)), text.endswith("\n") or not text)

    @classmethod
    def read(cls, tree: SourceTree, path: str) -> Self | None:
        """Read a file of a tree; None when there is no such text file."""
        content = tree.read(path)
        if content is None or absence_of_text(content) is not None:
            return None
        return cls.of(path, decode(content))

    @property
    def text(self) -> str:
        """The whole text."""
        return self.block(1, len(self.lines))

    def block(self, first: int, last: int) -> str:
        """Return lines `first` to `last`, 1-based and inclusive, with their ends; "" when last < first."""
        if last < first:
            return ""
        text = "\n".join(self.lines[first - 1 : last])
        return text if last >= len(self.lines) and not self.ended else text + "\n"

    def replaced(self, first: int, last: int, replacement: str) -> str:
        """Return the whole text with lines `first` to `last` replaced."""
        return self.block(1, first - 1) + replacement + self.block(last + 1, len(self.lines))

    def edited(self, edits: tuple[TextEdit, ...]) -> str:
        """Return the whole text after edits that don't overlap; raise ValueError for ones that do or lie outside."""
        text, offsets = self.text, self._offsets()
        ahead = len(text) + 1
        for start, end, new in sorted((self._span(edit, offsets) for edit in edits), reverse=True):
            if end > ahead or end < start:
                raise ValueError("edits overlap")
            text = text[:start] + new + text[end:]
            ahead = start
        return text

    def _offsets(self) -> list[int]:
        offsets = [0]
        for line in self.lines:
            offsets.append(offsets[-1] + len(line) + 1)
        return offsets

    def _span(self, edit: TextEdit, offsets: list[int]) -> tuple[int, int, str]:
        total = len(self.lines)
        if not 1 <= edit.start_line <= edit.end_line <= total + 1:
            raise ValueError("an edit lies outside the file")
        end_of_text = len(self.text)
        if edit.start_column is None:
            end = offsets[min(edit.end_line, total)]
            return offsets[edit.start_line - 1], min(end, end_of_text), _ended(edit.text, end <= end_of_text)
        start = offsets[edit.start_line - 1] + edit.start_column - 1
        end = offsets[edit.end_line - 1] + (edit.end_column or edit.start_column) - 1
        if end > end_of_text or start > end:
            raise ValueError("an edit lies outside the file")
        return start, end, edit.text


def _ended(text: str, wanted: bool) -> str:
    return text + "\n" if wanted and text and not text.endswith("\n") else text


def changed_span(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Span, Span]:
    """Return the smallest span of lines or words that differs, in both; from 1, an empty one has last < first."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return (head + 1, len(before) - tail), (head + 1, len(after) - tail)
