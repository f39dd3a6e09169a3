"""Findings as a table on a terminal: worst first, with a summary line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.findings.formats.place import describe
from pipeline.findings.text import clean
from pipeline.records import Finding, Severity

STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
WIDTH_WITHOUT_TERMINAL = 160


def write_table(findings: Sequence[Finding], stream: TextIO) -> None:
    """Write the table; no text of a finding is taken as markup or reaches the terminal as an escape."""
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    console = Console(file=stream, highlight=False, markup=False, emoji=False, width=width)
    if findings:
        console.print(_table(findings))
    console.print(_summary(findings))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=None, expand=True)
    table.add_column("severity", no_wrap=True, min_width=8)
    table.add_column("domain", no_wrap=True, min_width=9)
    table.add_column("scanner", overflow="fold", min_width=8, max_width=12)
    table.add_column("rule", overflow="fold", ratio=4)
    table.add_column("where", overflow="fold", ratio=5)
    table.add_column("what", overflow="ellipsis", no_wrap=True, ratio=5)
    table.add_column("id", no_wrap=True, min_width=8, style="dim")
    for finding in findings:
        table.add_row(
            Text(finding.severity, STYLES[finding.severity]),
            finding.domain,
            _line(finding.scanner.name),
            _line(finding.rule.id),
            _line(describe(finding.location)),
            _line(finding.message),
            finding.fingerprint[:8],
        )
    return table


def _line(text: str) -> Text:
    return Text(" ".join(clean(text).split()))


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "No findings."
    severities = Counter(finding.severity for finding in findings)
    parts = ", ".join(f"{severities[severity]} {severity}" for severity in Severity if severities[severity])
    return f"{len(findings)} finding{'s' if len(findings) > 1 else ''}: {parts}."
