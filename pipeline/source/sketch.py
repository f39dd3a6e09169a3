"""An excerpt before redaction: its long lines and names still reach further than what is shown of them.

What is cut before it is redacted may end in half a secret, which nothing can tell any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from pipeline.findings.redaction import PLACEHOLDER
from pipeline.findings.text import cut, without_torn_end
from pipeline.records import Excerpt, Record

MARGIN = 4_096
"""How far a long line is kept beyond either end of what is shown of it: further than secrets are long."""

LONGEST_READ = 4_000
"""Characters of a name that are kept for redaction."""

LONGEST_NAME = 80
LONGEST_SYMBOL = 200
MORE = " … "


class Reach(Record):
    """A long line of a sketch: its row in the text, where what is shown of it starts, and whether it goes on."""

    row: int
    start: int
    before: bool
    after: bool


class Sketch(Record):
    """An excerpt to be redacted, then cut: `limit` is the longest line's length, `names` make its symbol."""

    excerpt: Excerpt
    limit: int
    reaches: tuple[Reach, ...] = ()
    names: tuple[str, ...] = ()
    separator: str = "."

    def finished(self, text: str, header: str, redact: Callable[[str], str]) -> Excerpt:
        """Return the excerpt with these texts, redacted already and of as many lines, cut to what is shown."""
        lines, drawn = text.split("\n"), self.excerpt.text.split("\n")
        for reach in self.reaches:
            lines[reach.row] = _shown(drawn[reach.row], lines[reach.row], reach, self.limit)
        return msgspec.structs.replace(
            self.excerpt,
            text="\n".join(lines),
            header="\n".join(_within(line, 0, self.limit)[0] for line in header.split("\n")),
            symbol=self._symbol(redact),
        )

    def _symbol(self, redact: Callable[[str], str]) -> str | None:
        names = (cut(_whole(redact(name), len(name)), LONGEST_NAME) for name in self.names)
        return cut(redact(self.separator.join(names)), LONGEST_SYMBOL) or None


def kept(line: str, row: int, limit: int, column: int | None) -> tuple[str, Reach | None]:
    """Return what a sketch keeps of a line: all of a short one, else the part round `column` with its margins."""
    if len(line) <= limit:
        return line, None
    start = max(0, min((column or 1) - 1 - limit // 2, len(line) - limit))
    first = max(0, start - MARGIN)
    reach = Reach(row=row, start=start - first, before=start > 0, after=start + limit < len(line))
    return line[first : start + limit + MARGIN], reach


def _shown(drawn: str, redacted: str, reach: Reach, limit: int) -> str:
    start = _moved(drawn, redacted, reach.start)
    text, reaches_end = _within(redacted, start, limit)
    return (MORE if reach.before else "") + text + (MORE if reach.after or not reaches_end else "")


def _moved(before: str, after: str, offset: int) -> int:
    """Return where an offset of a text stands after redaction; one inside a secret stands where its mark begins."""
    old = new = 0
    for literal, end in _literals(after):
        found = before.find(literal, old)
        if found < 0 or offset < found:
            break
        if offset <= found + len(literal):
            return end - len(literal) + offset - found
        old, new = found + len(literal), end
    return new


def _literals(text: str) -> Sequence[tuple[str, int]]:
    """Return the parts between placeholders, each with where it ends."""
    starts = [0, *(match.end() for match in PLACEHOLDER.finditer(text))]
    ends = [*(match.start() for match in PLACEHOLDER.finditer(text)), len(text)]
    return [(text[start:end], end) for start, end in zip(starts, ends, strict=True)]


def _within(text: str, start: int, limit: int) -> tuple[str, bool]:
    """Return `limit` characters from `start`, no placeholder in part, and whether they are the text's last."""
    end = start + limit
    for match in PLACEHOLDER.finditer(text):
        if match.start() < end < match.end():
            end = match.start() if match.start() > start else match.end()
    return text[start:end], end >= len(text)


def _whole(name: str, length: int) -> str:
    return name if length < LONGEST_READ else without_torn_end(name)
