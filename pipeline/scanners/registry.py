"""Every scanner we read, in the order they are asked: adding one is a file and a line here."""

from __future__ import annotations

import msgspec

from pipeline.scanners import (
    bandit,
    checkov,
    codeql,
    detect_secrets,
    empty,
    gitleaks,
    glitch,
    grype,
    hadolint,
    kics,
    npm_audit,
    osv,
    pip_audit,
    ruff,
    semgrep,
    terrascan,
    tfsec,
    trivy,
    yarn_audit,
    zap,
    zizmor,
)
from pipeline.scanners.document import load
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Reader, Report, ReportRefused
from pipeline.scanners.sarif.reader import SarifReader

KNOWN: tuple[FormatReader, ...] = (
    bandit.READER,
    checkov.READER,
    codeql.READER,
    detect_secrets.READER,
    gitleaks.READER,
    glitch.READER,
    grype.READER,
    hadolint.READER,
    kics.READER,
    npm_audit.READER,
    osv.READER,
    pip_audit.READER,
    ruff.READER,
    semgrep.READER,
    terrascan.READER,
    tfsec.READER,
    trivy.READER,
    yarn_audit.READER,
    zap.READER,
    zizmor.READER,
    empty.READER,
)

SCANNERS: tuple[Reader, ...] = (
    *KNOWN,
    SarifReader(tuple(reader.dialect for reader in KNOWN if reader.dialect is not None)),
)


def recognise(report: Report) -> Reader:
    """Find the reader of a report by its content; raises `ReportRefused` when there is none."""
    if not report.head.strip("\ufeff \t\r\n\x00"):
        raise ReportRefused("The report is empty.", "A scanner that ran writes something.")
    for reader in SCANNERS:
        if reader.recognise(report):
            return reader
    broken = _break(report)
    if broken:
        raise ReportRefused(
            f"Nothing in it tells which scanner wrote it: {broken}.",
            "Run the scan again, or collect its artifact again.",
        )
    raise ReportRefused(
        "No scanner we know wrote this.",
        "docs/scanners.md lists what is read; most tools can write SARIF 2.1.0.",
    )


def _break(report: Report) -> str | None:
    """Say where a JSON document breaks off or goes wrong, None when it is whole or no JSON at all."""
    if report.head.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return None
    try:
        _, faults = load(report, msgspec.Raw)
    except ReportRefused as refused:
        return refused.message.rstrip(".")
    return next((fault.reason for fault in faults), None)
