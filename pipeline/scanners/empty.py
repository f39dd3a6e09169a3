"""`[]` or `null`: what several scanners write when they find nothing, without their name."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.scanners.document import Said
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Report
from pipeline.scanners.outline import Outline


def _is_native(seen: Outline, head: str) -> bool:
    """Nothing but `[]` or `null`; a list that breaks off at once is neither."""
    del seen
    return "".join(head.split()) in ("[]", "null")


def _read(report: Report) -> Iterator[Said]:
    del report
    return iter(())


READER = FormatReader(name="empty", native=_is_native, decode=_read)
