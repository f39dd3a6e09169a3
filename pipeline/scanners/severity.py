"""From each scanner's own scale to ours: the table that `docs/scanners.md` shows.

An advisory's own word comes first, then a CVSS base score (FIRST's qualitative scale), then the
tool's level. A word no scale knows is medium, flagged `severity-unknown` where it is used.
"""

from __future__ import annotations

from pipeline.records import Severity

CRITICAL, HIGH, MEDIUM, LOW, INFO = Severity

WORDS: dict[str, Severity] = {
    "critical": CRITICAL,
    "high": HIGH,
    "important": HIGH,
    "medium": MEDIUM,
    "moderate": MEDIUM,
    "low": LOW,
    "minor": LOW,
    "negligible": INFO,
    "informational": INFO,
    "info": INFO,
    "trace": INFO,
    "none": INFO,
}
"""Words that mean the same in every tool that uses them: most scanners and advisory databases.

`unknown`, `undefined` and the like are not among them: who says so has named no severity.
"""

SCALES: dict[str, dict[str, Severity]] = {
    "sarif": {"error": HIGH, "warning": MEDIUM, "note": LOW, "none": INFO},
    "semgrep": {"error": HIGH, "warning": MEDIUM, "info": LOW, "inventory": INFO, "experiment": INFO},
    "hadolint": {"error": HIGH, "warning": MEDIUM, "info": LOW, "style": LOW, "ignore": INFO},
    "zap": {"3": HIGH, "2": MEDIUM, "1": LOW, "0": INFO, "-1": INFO},
    "tfsec": {"error": HIGH, "warning": MEDIUM, "info": LOW},
}
"""Words that a tool uses in its own way; asked before `WORDS`."""

SECRET = HIGH
"""Gitleaks and detect-secrets have no scale: a secret in a repository is high."""
UNKNOWN_FLAG = "severity-unknown"


def from_word(scale: str, word: str | None) -> Severity | None:
    """Translate a tool's word; None when it is missing or on no scale."""
    if word is None:
        return None
    key = word.strip().lower()
    return SCALES.get(scale, {}).get(key) or WORDS.get(key)


def from_score(score: float | None) -> Severity | None:
    """Translate a CVSS base score or a SARIF `security-severity` by FIRST's qualitative scale."""
    if score is None or not 0.0 <= score <= 10.0:
        return None
    for least, severity in ((9.0, CRITICAL), (7.0, HIGH), (4.0, MEDIUM), (0.1, LOW)):
        if score >= least:
            return severity
    return INFO


def first(*severities: Severity | None) -> Severity:
    """Take the first severity that is known, or medium."""
    return next((severity for severity in severities if severity is not None), MEDIUM)


def flags_for(*severities: Severity | None) -> tuple[str, ...]:
    """Flag a finding whose severity nobody named."""
    return () if any(severity is not None for severity in severities) else (UNKNOWN_FLAG,)
