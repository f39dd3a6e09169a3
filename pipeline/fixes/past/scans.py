"""Every version of every changed file, scanned once by every scanner that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import UsageError
from config.settings import Verification
from pipeline.fixes.interface import Snapshot
from pipeline.fixes.past.commits import Step
from pipeline.scanners.interface import RawFinding
from pipeline.verification.batch import Batches, Report
from pipeline.verification.cache import ScanCache
from pipeline.verification.interface import Runner, ScannerMissing, Setup
from pipeline.verification.runners.registry import RUNNERS, find_setup

Version = tuple[str, str]
"""A path and the text that stands there."""


def scanners(settings: Verification, own_rules: Path | None, names: Sequence[str]) -> list[tuple[Runner, Setup]]:
    """Return the scanners that are installed here, of those named (all without names).

    Raises UsageError for an unknown one or when none is installed, ScannerMissing for a named one that isn't.
    """
    known = {runner.name: runner for runner in RUNNERS}
    if unknown := sorted(set(names) - set(known)):
        raise UsageError(f"There is no scanner {', '.join(unknown)}.", f"Known: {', '.join(known)}.")
    found = []
    for runner in RUNNERS:
        if names and runner.name not in names:
            continue
        try:
            found.append((runner, find_setup(runner, settings, own_rules)))
        except ScannerMissing:
            if names:
                raise
    if not found:
        raise UsageError("No scanner is installed here.", "Install one, or name it in verification.programs.")
    return found


@dataclass
class Scans:
    """What each scanner said of each version of each file."""

    settings: Verification
    scanners: list[tuple[Runner, Setup]]
    progress: Callable[[str, int, int], None] = lambda scanner, done, total: None
    _said: dict[tuple[str, Version], Report] = field(default_factory=dict)

    def take(self, versions: Iterable[Version]) -> None:
        """Scan versions that weren't yet, one start of a scanner for many."""
        wanted = sorted(set(versions))
        for done, (runner, setup) in enumerate(self.scanners):
            self.progress(runner.name, done, len(self.scanners))
            new = [one for one in wanted if runner.reads(one[0]) and (runner.name, one) not in self._said]
            cases = [{path: text.encode("utf-8", "surrogatepass")} for path, text in new]
            reports = Batches(runner, setup, self.settings, ScanCache(None)).raw(cases)
            self._said.update({(runner.name, one): report for one, report in zip(new, reports, strict=True)})

    def of(self, version: Version) -> list[tuple[str, tuple[RawFinding, ...] | None]]:
        """Return each scanner's name with what it found in a version, None where it could not read it."""
        names = [runner.name for runner, _ in self.scanners if (runner.name, version) in self._said]
        reports = [(name, self._said[name, version]) for name in names]
        return [(name, None if report.broken is not None else report.findings) for name, report in reports]


def versions(step: Step, here: Snapshot, later: Snapshot) -> list[Version]:
    """Return what a step changed as it was and as it is, and what it added; files that are no text are left out."""
    found = [(path, snapshot.text(path)) for snapshot in (here, later) for path in step.changed]
    found += [(path, later.text(path)) for path in step.added]
    return [(path, text.text) for path, text in found if text is not None]
