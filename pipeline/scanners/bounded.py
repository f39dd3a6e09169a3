"""A report read up to what one of its size can honestly say.

An element of three bytes costs as much as one of three hundred. So a report made of nothing but
the smallest elements would take many times what its size should; past a number no scanner's
report comes near, reading stops, and a fault says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.scanners.document import Said
from pipeline.scanners.interface import Fault, Reader, Report
from pipeline.scanners.outline import outline
from pipeline.scanners.repeated import REPEATED

ALWAYS = 1_000
SMALLEST = 40
"""Bytes of the shortest findings and faults, on average over a report: a line of GLITCH has 40 to 100."""


def read(reader: Reader, report: Report) -> Iterator[Said]:
    """Yield what the report says; raises `ReportRefused` as the reader does."""
    if outline(report).repeats:
        yield Fault(pointer="", reason=REPEATED)
    most = ALWAYS + report.size // SMALLEST
    for number, said in enumerate(reader.read(report)):
        if number == most:
            yield Fault(pointer="", reason=f"more than {most} findings in {report.size} bytes: the rest is not read")
            return
        yield said
