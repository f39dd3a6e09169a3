"""Regions given by character offsets, turned into lines and columns where the log has the file's text."""

from __future__ import annotations

import re
from bisect import bisect_right

from pipeline.scanners.document import ItemRefused
from pipeline.scanners.places import HIGHEST_LINE
from pipeline.scanners.sarif.files import Files
from pipeline.scanners.sarif.schema import ArtifactLocation, Number, Region

UTF_16 = "utf16CodeUnits"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Offsets:
    """Converts regions of one run's files; each file's lines are counted once."""

    def __init__(self, files: Files, column_kind: str | None) -> None:
        self._files = files
        self._by_units = (column_kind or UTF_16) == UTF_16
        self._texts: dict[str, _Text] = {}

    def region(self, location: ArtifactLocation | None, region: Region) -> Region:
        """Return a region with lines: itself when it has them or no offset.

        Raises `ItemRefused` when it is given by an offset and the log doesn't hold the file's text.
        """
        if region.start_line is not None or region.char_offset is None:
            return region
        found = self._files.contents(location)
        if found is None:
            raise ItemRefused("is given by character offsets of a file the report doesn't hold")
        text = self._texts.get(found)
        if text is None:
            text = self._texts[found] = _Text(found, self._by_units)
        start, length = _whole(region.char_offset), _whole(region.char_length or 0)
        (first, left), (last, right) = text.place(start), text.place(start + length)
        return Region(start_line=first, start_column=left, end_line=last, end_column=right, snippet=region.snippet)


class _Text:
    """A file's text, in the units offsets count, with where its lines begin."""

    def __init__(self, text: str, by_units: bool) -> None:
        self._starts = [0]
        units = by_units and not text.isascii()
        position = 0
        for line in _LINE.findall(text):
            position += len(line.encode("utf-16-le", "surrogatepass")) // 2 if units else len(line)
            if line.endswith(("\n", "\r")):
                self._starts.append(position)
        self._length = position

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 1."""
        if not 0 <= offset <= self._length:
            raise ItemRefused("is given by an offset beyond the file's end")
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def _whole(number: Number) -> int:
    if not 0 <= number <= HIGHEST_LINE * 100:
        raise ItemRefused("is given by an offset out of range")
    return int(number)
