"""Findings as a table on a terminal: worst first, with a summary line."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.table import Table
from rich.text import Text

from pipeline.findings.formats.place import describe
from pipeline.findings.text import clean
from pipeline.output import Output
from pipeline.records import SUPPRESSED, FileLocation, Finding, ImageLocation, Severity

STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
WIDTH_WITHOUT_TERMINAL = 160
WIDE = 130
"""From this many columns on there is room for domain and message."""

MAX_SCANNER = 14


def write_table(findings: Sequence[Finding], stream: TextIO) -> None:
    """Write the table; no text of a finding is taken as markup or reaches the terminal as an escape."""
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_WITHOUT_TERMINAL
    console = Output(file=stream, highlight=False, markup=False, emoji=False, width=width)
    if findings:
        console.print(_table(findings, console.width))
    console.print(_summary(findings))


def _table(findings: Sequence[Finding], width: int) -> Table:
    """Return a line for each finding; on a narrow terminal domain and message give way to rule and place."""
    wide = width >= WIDE
    table = Table(header_style="bold", pad_edge=False, box=None, expand=True)
    table.add_column("severity", no_wrap=True, min_width=8)
    if wide:
        table.add_column("domain", no_wrap=True, min_width=9)
    scanner = max(len("scanner"), *(len(_line(finding.scanner.name)) for finding in findings))
    table.add_column("scanner", no_wrap=True, overflow="ellipsis", width=min(scanner, MAX_SCANNER))
    room = width - 8 - (11 if wide else 0) - min(scanner, MAX_SCANNER) - 8 - 2 * (5 if wide else 4)
    rule, where = (room * 28 // 100, room * 40 // 100) if wide else (room * 42 // 100, room - room * 42 // 100)
    for name, size in (("rule", rule), ("where", where)):
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=max(size, 10))
    if wide:
        table.add_column("what", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("id", no_wrap=True, min_width=8, style="dim")
    for finding in findings:
        about = (_line(finding.domain),) if wide else ()
        what = (_line(finding.message),) if wide else ()
        table.add_row(
            Text(finding.severity, STYLES[finding.severity]), *about, _line(finding.scanner.name),
            _line(_short_rule(finding.rule.id, rule)), _short_place(finding, where), *what, finding.fingerprint[:8],
            style="dim" if SUPPRESSED in finding.flags else None,
        )  # fmt: skip
    return table


def _short_rule(rule: str, room: int) -> str:
    """Return a rule that fits, or its last part: the parts before say where the rule lies, not what it is."""
    if len(rule) <= room:
        return rule
    last = re.split(r"[./](?=[^./]*$)", rule)[-1]
    return f"…{last}" if last and last != rule else rule


def _short_place(finding: Finding, room: int) -> Text:
    """Return a place that fits: a file's or an image's end, with line or package, another's start."""
    line = _line(describe(finding.location))
    if isinstance(finding.location, FileLocation | ImageLocation) and len(line) > room > 1:
        return Text("…" + line.plain[1 - room :])
    return line


def _line(text: str) -> Text:
    return Text(" ".join(clean(text).split()))


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "No findings."
    severities = Counter(finding.severity for finding in findings)
    parts = ", ".join(f"{severities[severity]} {severity}" for severity in Severity if severities[severity])
    suppressed = sum(SUPPRESSED in finding.flags for finding in findings)
    accepted = f" Accepted in their reports: {suppressed}." if suppressed else ""
    return f"{len(findings)} finding{'s' if len(findings) > 1 else ''}: {parts}.{accepted}"
