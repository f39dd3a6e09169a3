"""`fixsmith findings`: what the newest run, or another, found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import msgspec

from config.errors import UsageError
from daemon.arguments import add_run, run_of, workspace_of
from daemon.commands import mining
from pipeline.pipes import reader_may_leave
from pipeline.records import SUPPRESSED, Domain, Finding, Severity
from pipeline.stage import read_records

FORMATS = ("table", "json", "csv", "sarif")
SEVERITIES = tuple(Severity)


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "findings",
        help="the findings of the newest run",
        description="Show the findings of a run, worst first: every scanner's, each weakness once, without secrets.",
        epilog="With --fail-on it exits 1 when a finding shown, not suppressed, is so severe or worse: a gate for CI.",
    )
    add_run(command)
    command.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    command.add_argument("--severity", metavar="LIST", action="append", help="only these: " + ", ".join(Severity))
    command.add_argument("--domain", metavar="LIST", action="append", help="only these: " + ", ".join(Domain))
    command.add_argument(
        "--fail-on", choices=[str(severity) for severity in Severity], help="exit 1 from this severity on"
    )
    command.set_defaults(task=None)
    mining.add(command.add_subparsers(dest="task", metavar="TASK", title="other tasks"))


def run(arguments: argparse.Namespace) -> int:
    """Write the chosen findings to stdout; return 1 when --fail-on is reached, else 0."""
    if arguments.task == "mine":
        return mining.run(arguments)
    severities = chosen(Severity, arguments.severity, "--severity")
    domains = chosen(Domain, arguments.domain, "--domain")
    path = findings_file(workspace_of(arguments), arguments.run)
    findings = [f for f in read_records(path, Finding) if f.severity in severities and f.domain in domains]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    with reader_may_leave():
        _write(findings, arguments.format, sys.stdout)
    return int(arguments.fail_on is not None and reached(findings, Severity(arguments.fail_on)))


def reached(findings: Sequence[Finding], limit: Severity) -> bool:
    """Tell whether one of the findings that nobody accepted is as severe as `limit`, or worse."""
    worst = SEVERITIES.index(limit)
    return any(SEVERITIES.index(one.severity) <= worst for one in findings if SUPPRESSED not in one.flags)


def chosen(kind: type[Severity] | type[Domain], words: Sequence[str] | None, flag: str) -> frozenset[str]:
    """Return the members named by a flag (lists with commas, repeated or not); all when it isn't given."""
    names = [name.strip().lower() for word in words or () for name in word.split(",") if name.strip()]
    unknown = sorted(set(names) - {str(member) for member in kind})
    if unknown:
        raise UsageError(f"{flag} doesn't know {', '.join(unknown)}.", f"Known: {', '.join(kind)}.")
    return frozenset(names or (str(member) for member in kind))


def findings_file(output: Path, name: str | None) -> Path:
    """Return the run's findings; raise UsageError when there is no such run, or it has none."""
    path = run_of(output, name) / "parse" / "findings.jsonl"
    if not path.is_file():
        raise UsageError(f"Run {path.parent.parent.name} has read no findings yet.", "Let it finish, or name another.")
    return path


def _write(findings: Sequence[Finding], form: str, stream: TextIO) -> None:
    writers: dict[str, Callable[[Sequence[Finding], TextIO], None]] = {
        "table": _table, "json": _json, "csv": _csv, "sarif": _sarif,
    }  # fmt: skip
    writers[form](findings, stream)


def _json(findings: Sequence[Finding], stream: TextIO) -> None:
    stream.write(msgspec.json.format(msgspec.json.encode(findings, order="sorted")).decode() + "\n")


def _table(findings: Sequence[Finding], stream: TextIO) -> None:
    from pipeline.findings.formats.table import write_table

    write_table(findings, stream)


def _csv(findings: Sequence[Finding], stream: TextIO) -> None:
    from pipeline.findings.formats.rows import write_csv

    write_csv(findings, stream)


def _sarif(findings: Sequence[Finding], stream: TextIO) -> None:
    from pipeline.findings.formats.sarif import write_sarif

    write_sarif(findings, stream)
