"""CodeQL: SARIF, with rules in extensions, `security-severity` and links in messages."""

from __future__ import annotations

from pipeline.scanners.formats import FormatReader
from pipeline.scanners.sarif.reader import Dialect

DIALECT = Dialect(scanner="codeql", tools=("codeql", "codeql command-line toolchain"))
READER = FormatReader(name="codeql", dialect=DIALECT)
