"""Many cases, one start of a scanner: a folder each, told apart again by path."""

from __future__ import annotations

import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Verification
from pipeline.records import FileLocation, Record
from pipeline.scanners.interface import RawFinding
from pipeline.verification.cache import ScanCache, digest_rules, scan_key
from pipeline.verification.interface import Files, Runner, Scan, ScannerFailed, Setup
from pipeline.verification.process import run
from pipeline.verification.reports import observed, read_report

_CASE = re.compile(r"^(?:.*?/)?case(\d{6})/(.+)$")


class Report(Record):
    """What a scanner says of one case, with the case's own paths; `broken` is why it could not read it."""

    findings: tuple[RawFinding, ...] = ()
    broken: str | None = None


class Batches:
    """Scans cases with one runner, in batches, parallel to the cores, each content once."""

    def __init__(self, runner: Runner, setup: Setup, settings: Verification, cache: ScanCache) -> None:
        self._runner = runner
        self._setup = setup
        self._settings = settings
        self._cache = cache
        self._rules = digest_rules(setup.rules)
        self.starts = 0

    def scan(self, cases: Sequence[Files]) -> list[Scan]:
        """Return the scan of each case, in their order; one the scanner failed on is `broken`."""
        keys = [scan_key(self._runner.name, self._setup, self._rules, files) for files in cases]
        wanted = dict(zip(keys, cases, strict=True))
        scans = {key: kept for key in wanted if (kept := self._cache.get(key)) is not None}
        missing = [key for key in wanted if key not in scans]
        size, cores = self._size(missing), self._settings.parallel or os.cpu_count() or 1
        chunks = [missing[start : start + size] for start in range(0, len(missing), size)]
        with ThreadPoolExecutor(cores) as pool:
            results = pool.map(lambda chunk: self._chunk([wanted[key] for key in chunk]), chunks)
            for chunk, scanned in zip(chunks, results, strict=True):
                for key, report in zip(chunk, scanned, strict=True):
                    scans[key] = _as_scan(report)
                    self._cache.put(key, scans[key])
        return [scans[key] for key in keys]

    def _size(self, missing: Sequence[object]) -> int:
        """Return how many cases one start takes: the cores share what is there."""
        cores = self._settings.parallel or os.cpu_count() or 1
        share = -(-len(missing) // cores) if len(missing) > 2 * _FEWEST else len(missing)
        return max(1, min(self._settings.batch, share))

    def raw(self, cases: Sequence[Files]) -> list[Report]:
        """Return what the scanner says of each case, texts and all; nothing of it is kept."""
        size, cores = self._size(cases), self._settings.parallel or os.cpu_count() or 1
        chunks = [cases[start : start + size] for start in range(0, len(cases), size)]
        with ThreadPoolExecutor(cores) as pool:
            return [report for reports in pool.map(self._chunk, chunks) for report in reports]

    def _chunk(self, cases: Sequence[Files]) -> list[Report]:
        """Scan cases together; when that fails, halve until the one that makes it fail stands alone."""
        try:
            return self._start(cases)
        except ScannerFailed as failed:
            if len(cases) == 1:
                return [Report(broken=failed.message)]
        middle = len(cases) // 2
        return self._chunk(cases[:middle]) + self._chunk(cases[middle:])

    def _start(self, cases: Sequence[Files]) -> list[Report]:
        self.starts += 1
        with tempfile.TemporaryDirectory(prefix="fixsmith-scan-") as place:
            root, report = Path(place).resolve() / "cases", Path(place).resolve() / "report.json"
            files = tuple(_lay_out(root, cases))
            self._runner.prepare(root)
            run(
                self._runner.command(self._setup, files, report),
                root,
                seconds=self._settings.seconds,
                memory_megabytes=self._settings.memory_megabytes,
                environment=self._runner.environment(),
                output=report.with_name("stdout"),
            )
            written = report if report.exists() else report.with_name("stdout")
            findings, faults = read_report(written, self._runner.name)
            broken = _by_case(self._runner.broken(_document(written)))
            if faults and not broken and len(cases) > 1:
                raise ScannerFailed(f"{self._runner.name} could not read something: {faults[0].reason}")
            if faults and not broken:
                return [Report(broken=faults[0].reason)]
            return _split(findings, broken, len(cases))


def _as_scan(report: Report) -> Scan:
    """Return a report without any text of the code."""
    seen = (observed(raw) for raw in report.findings)
    return Scan(findings=tuple(one for one in seen if one is not None), broken=report.broken)


_FEWEST = 8
"""Fewer cases than this are not worth a second start."""


def _lay_out(root: Path, cases: Sequence[Files]) -> Iterator[str]:
    """Write each case into a folder of its own; yield the paths of all files."""
    for number, files in enumerate(cases):
        for name, content in sorted(files.items()):
            path = root / f"case{number:06}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            yield path.relative_to(root).as_posix()


def _document(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes() or b"{}")
    except msgspec.DecodeError as error:
        raise ScannerFailed("The scanner's report isn't JSON.", "Run the scanner by hand.") from error


def _by_case(broken: Iterator[tuple[str, str]]) -> dict[int, str]:
    found = {}
    for path, reason in broken:
        match = _CASE.match(path)
        if match is None:
            raise ScannerFailed(f"The scanner failed: {reason}.", "Run the scanner by hand.")
        found[int(match.group(1))] = reason
    return found


def _split(findings: list[RawFinding], broken: dict[int, str], count: int) -> list[Report]:
    by_case: dict[int, list[RawFinding]] = defaultdict(list)
    for raw in findings:
        location = raw.location
        match = _CASE.match(location.path) if isinstance(location, FileLocation) else None
        if match is not None:
            moved = msgspec.structs.replace(location, path=match.group(2))
            by_case[int(match.group(1))].append(msgspec.structs.replace(raw, location=moved))
    return [Report(findings=tuple(by_case[number]), broken=broken.get(number)) for number in range(count)]
