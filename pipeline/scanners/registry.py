"""Every scanner we read, in the order they are asked: adding one is a file and a line here."""

from __future__ import annotations

from pipeline.scanners import bandit, checkov, gitleaks, osv, semgrep, trivy, zap
from pipeline.scanners.interface import Reader, Report, ReportRefused
from pipeline.scanners.sarif.reader import Dialect, SarifReader

DIALECTS: tuple[Dialect, ...] = (
    bandit.DIALECT,
    checkov.DIALECT,
    gitleaks.DIALECT,
    semgrep.DIALECT,
    trivy.DIALECT,
)

SCANNERS: tuple[Reader, ...] = (
    bandit.READER,
    checkov.READER,
    gitleaks.READER,
    osv.READER,
    semgrep.READER,
    trivy.READER,
    zap.READER,
    SarifReader(DIALECTS),
)


def recognise(report: Report) -> Reader:
    """Find the reader of a report by its content; raises `ReportRefused` when there is none."""
    for reader in SCANNERS:
        if reader.recognise(report):
            return reader
    raise ReportRefused(
        "No scanner we know wrote this.",
        "docs/scanners.md lists what is read; most tools can write SARIF 2.1.0.",
    )
