"""Redaction of excerpts: whatever is hidden, there are as many lines as before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from pipeline.findings.redaction import Redactor
from pipeline.records import Excerpt, Record
from pipeline.source.interface import Span
from pipeline.source.secret import is_telling
from pipeline.source.sketch import Sketch

_KIND = "secret"


class Hidden(Record):
    """Values a finding of a secret points at, and the lines of which file they stand on."""

    path: str
    lines: Span
    values: tuple[str, ...]


class Hiding:
    """Hides secrets in excerpts: telling values everywhere, other values on the flagged lines only."""

    def __init__(self, key: bytes, hidden: Iterable[Hidden]) -> None:
        self._by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
        known: set[str] = set()
        for one in hidden:
            known |= {value for value in one.values if is_telling(value)}
            for number in range(one.lines[0], one.lines[1] + 1):
                self._by_line[one.path, number] |= {value for value in one.values if not is_telling(value)}
        self._redactor = Redactor(key, sorted(known))

    def hide(self, sketch: Sketch) -> Excerpt:
        """Return the excerpt with secrets hidden, as many lines as before, then cut."""
        redact = self._redactor.redact
        text = _same_lines(redact, self._on_flagged_lines(sketch.excerpt))
        return sketch.finished(text, _same_lines(redact, sketch.excerpt.header), redact)

    def _on_flagged_lines(self, excerpt: Excerpt) -> str:
        lines = excerpt.text.split("\n")
        for row, line in enumerate(lines):
            values = self._by_line.get((excerpt.path, excerpt.start_line + row), set())
            for value in sorted(values, key=lambda value: (-len(value), value)):
                line = line.replace(value, self._redactor.placeholder(_KIND, value))  # noqa: PLW2901
            lines[row] = line
        return "\n".join(lines)


def _same_lines(redact: Callable[[str], str], text: str) -> str:
    """Redact as a whole; where that takes lines away (a key over several), line by line instead.

    Nothing is lost by it: the lines of every private key are among the known values.
    """
    hidden = redact(text)
    if hidden.count("\n") == text.count("\n"):
        return hidden
    return "\n".join(redact(line) for line in text.split("\n"))
