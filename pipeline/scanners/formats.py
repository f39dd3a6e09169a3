"""What most scanners' files end in: a reader for a native format, SARIF in a dialect, or both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from pipeline.scanners.document import Said
from pipeline.scanners.interface import Report
from pipeline.scanners.outline import Outline, outline
from pipeline.scanners.sarif.reader import Dialect, read_sarif, speaks


class FormatReader(msgspec.Struct, frozen=True, kw_only=True):
    """A scanner's reader. `native` tells its own format from the outline and head, `decode` reads it.

    A scanner without a native format leaves both out; one without SARIF leaves out `dialect`.
    """

    name: str
    native: Callable[[Outline, str], bool] | None = None
    decode: Callable[[Report], Iterator[Said]] | None = None
    dialect: Dialect | None = None

    def recognise(self, report: Report) -> bool:
        """Tell whether this scanner wrote the report, in either format."""
        seen = outline(report)
        if self.native is not None and self.native(seen, report.head):
            return True
        return self.dialect is not None and speaks(report, self.dialect)

    def read(self, report: Report) -> Iterator[Said]:
        """Read the report in the format it is written in."""
        if self.dialect is not None and outline(report).tools:
            return read_sarif(report, (self.dialect,))
        if self.decode is None:
            return read_sarif(report, ())
        return self.decode(report)
