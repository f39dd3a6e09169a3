"""Findings as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TextIO

from pipeline.findings.formats.place import describe
from pipeline.findings.text import clean
from pipeline.records import Finding

COLUMNS = (
    "fingerprint", "severity", "domain", "scanner", "rule", "cwes", "cvss", "where", "message", "fixed_versions",
    "aliases", "flags",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(findings: Sequence[Finding], stream: TextIO) -> None:
    """Write a header and a row for each finding (RFC 4180)."""
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _row(finding)] for finding in findings)


def _row(finding: Finding) -> list[str]:
    return [
        finding.fingerprint, finding.severity, finding.domain, finding.scanner.name, finding.rule.id,
        " ".join(f"CWE-{cwe}" for cwe in finding.rule.cwes), "" if finding.cvss is None else str(finding.cvss),
        describe(finding.location), finding.message, " ".join(finding.hints.fixed_versions),
        " ".join(finding.aliases), " ".join(finding.flags),
    ]  # fmt: skip


def _cell(value: str) -> str:
    """Return a cell's text; what a spreadsheet would run as a formula gets a quote before it (OWASP)."""
    text = clean(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA_STARTS) else text
