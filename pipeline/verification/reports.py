"""Reading a repeated scan: by the same readers as CI's reports, so that rules have the same names."""

from __future__ import annotations

import re
from pathlib import Path

from config.errors import InputRefused
from pipeline.records import FileLocation
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.registry import recognise
from pipeline.verification.interface import Observed, ScannerFailed

_HEAD = 64 * 1024
_LETTERS_AND_NUMBER = re.compile(r"^(?:avd[-_])?([a-z]+)[-_]?0*(\d+)$")


def read_report(path: Path, name: str) -> tuple[list[RawFinding], list[Fault]]:
    """Return what a report says; raise ScannerFailed when nobody can read it."""
    try:
        head = path.read_bytes()[:_HEAD].decode("utf-8", "replace")
        report = Report(path=path, name=path.name, head=head, size=path.stat().st_size)
        said = list(recognise(report).read(report))
    except InputRefused as refused:
        raise ScannerFailed(
            f"The report of {name} can't be read: {refused.message}", "Run the scanner by hand."
        ) from refused
    except OSError as error:
        raise ScannerFailed(f"{name} wrote no report.", "Run the scanner by hand.") from error
    findings = [one for one in said if isinstance(one, RawFinding)]
    return findings, [one for one in said if isinstance(one, Fault)]


def observed(raw: RawFinding) -> Observed | None:
    """Return a finding without its texts, None for one that isn't in a file."""
    location = raw.location
    if not isinstance(location, FileLocation):
        return None
    first = location.start_line or 1
    return Observed(
        rules=rule_names((raw.rule.id, *raw.aliases)),
        severity=raw.severity,
        path=location.path,
        start_line=first,
        end_line=max(first, location.end_line or first),
    )


def rule_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return rule names in the one spelling they are compared in, sorted."""
    return tuple(sorted({rule_name(name) for name in names}))


def rule_name(name: str) -> str:
    """Return a rule's name without the folder of its file, its tool or leading zeros: AVD-DS-0002 is ds2."""
    last = re.split(r"[/.:]", name.strip().lower())[-1]
    match = _LETTERS_AND_NUMBER.match(last)
    return f"{match.group(1)}{match.group(2)}" if match else last.replace("_", "-")
