"""ruff: SARIF only. Every result has level error, so nobody named a severity; parse errors are faults."""

from __future__ import annotations

import msgspec

from pipeline.records import Domain
from pipeline.scanners import severity
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen

_UNPARSED = ("invalid-syntax", "E902", "E999", "syntax-error")


def _refine(finding: RawFinding, seen: Seen) -> RawFinding | Fault:
    del seen
    if finding.rule.id in _UNPARSED:
        return Fault(pointer=finding.pointer, reason="ruff could not parse the file")
    return msgspec.structs.replace(
        finding, severity=severity.first(None), domain=Domain.SAST, flags=(*finding.flags, severity.UNKNOWN_FLAG)
    )


DIALECT = Dialect(scanner="ruff", tools=("ruff",), refine=_refine)
READER = FormatReader(name="ruff", dialect=DIALECT)
