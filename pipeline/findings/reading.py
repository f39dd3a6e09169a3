"""Reports read: each distinct one once, by the scanner that recognises it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import msgspec

from config.errors import InputRefused
from pipeline.artifacts.decode import decode
from pipeline.artifacts.extract import private_folder, walk
from pipeline.artifacts.interface import IndexEntry, Refusal, Unpacked
from pipeline.records import Rejection
from pipeline.scanners.bounded import read
from pipeline.scanners.document import forget_mended
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.registry import recognise
from pipeline.stage import Context, Progress

HEAD = 64 * 1024
REPORT_SUFFIXES = frozenset({".json", ".sarif", ".xml", ".csv", ".jsonl", ".ndjson", ".gz", ".zip", ""})
MOST_FAULTS = 1_000
"""So many faults of one report are named one by one; the others are counted."""

NO_REPORT = "not a scanner report"
BILLS = ('"bomFormat"', '"spdxVersion"', "SPDXVersion:", "http://cyclonedx.org/schema/bom")
Place = tuple[str, str]
_WHOLE = re.compile(r"^(?:/(?:results|queries|dependencies|runs(?:/\d+)?))?$")
"""Pointers of faults that cost the report as a whole: with one, and without a finding, it wasn't read."""


class Raw(msgspec.Struct, frozen=True):
    """What a report says, the report's digest, and every (artifact, report path) it was found at."""

    finding: RawFinding
    report: str
    places: tuple[Place, ...]


class Reading(msgspec.Struct):
    """What reading gave: raw findings by snapshot, what was rejected, what is no report."""

    raw: dict[str, list[Raw]] = msgspec.field(default_factory=lambda: {"current": [], "earlier": []})
    rejected: list[Rejection] = []
    skipped: list[Rejection] = []
    secrets: set[str] = set()
    reports: int = 0


def read_snapshots(context: Context, index: Sequence[IndexEntry]) -> Reading:
    """Read every indexed report of both snapshots.

    Raises InputRefused when the artifacts aren't those that were collected.
    """
    reading = Reading()
    roots = {"current": context.request.artifacts, "earlier": context.request.earlier_artifacts}
    with private_folder(context.work) as scratch:
        for snapshot in sorted({entry.snapshot for entry in index}):
            entries = [entry for entry in index if entry.snapshot == snapshot]
            _Snapshot(context, reading, snapshot, entries).read(Path(roots[snapshot] or ""), scratch)
    return reading


class _Snapshot:
    """The reading of one snapshot's reports."""

    def __init__(self, context: Context, reading: Reading, snapshot: str, entries: Sequence[IndexEntry]) -> None:
        self._context = context
        self._reading = reading
        self._name = snapshot
        places: dict[str, set[Place]] = {}
        for entry in entries:
            places.setdefault(entry.sha256, set()).add((entry.artifact, entry.report))
        self._places = {digest: tuple(sorted(found)) for digest, found in places.items()}
        self._shown = {entry.sha256: entry.place for entry in entries}
        self._left = set(self._places)

    def read(self, root: Path, scratch: Path) -> None:
        """Read each distinct report below `root` that was collected."""
        total = len(self._left)
        for item in walk(root, self._context.settings.artifacts, scratch, self._left.__contains__):
            if isinstance(item, Unpacked) and item.sha256 in self._left:
                self._left.remove(item.sha256)
                self._read(item, scratch / "decoded")
                shown = self._shown[item.sha256]
                self._context.progress(
                    Progress(stage="parse", message=shown, done=total - len(self._left), total=total)
                )
        if self._left:
            raise InputRefused(
                f"{len(self._left)} of the collected files have changed or are gone.", "Run the command again."
            )

    def _read(self, item: Unpacked, decoded: Path) -> None:
        try:
            path = decode(item.path, decoded)
            report = Report(path=path, name=_name(item), head=_head(path), size=path.stat().st_size)
            self._report(item, report)
        except Refusal as refusal:
            self._refuse(item, str(refusal), known=_is_report_name(item.place))
        finally:
            decoded.unlink(missing_ok=True)
            forget_mended()

    def _report(self, item: Unpacked, report: Report) -> None:
        try:
            reader = recognise(report)
        except ReportRefused as refused:
            known = _is_report_name(item.place) and not any(bill in report.head for bill in BILLS)
            self._refuse(item, refused.message, known=known)
            return
        found = broken = False
        faults = 0
        try:
            for said in read(reader, report):
                faults += isinstance(said, Fault)
                if isinstance(said, RawFinding) or faults <= MOST_FAULTS:
                    self._take(item, said)
                found = found or isinstance(said, RawFinding)
                broken = broken or (isinstance(said, Fault) and _WHOLE.match(said.pointer) is not None)
        except InputRefused as refused:
            self._reject(item, refused.message)
            broken = True
        if faults > MOST_FAULTS:
            self._reject(item, f"{faults - MOST_FAULTS} more parts of the report can't be read")
        self._reading.reports += found or not broken

    def _take(self, item: Unpacked, said: RawFinding | Fault) -> None:
        if isinstance(said, Fault):
            self._reject(item, said.reason, said.pointer)
            return
        self._reading.secrets.update(said.secrets)
        self._reading.raw[self._name].append(Raw(said, item.sha256, self._places[item.sha256]))

    def _refuse(self, item: Unpacked, reason: str, *, known: bool) -> None:
        """Record a file nobody recognises: as no report, unless its name says that it should be one."""
        if known:
            self._reject(item, reason)
        else:
            self._reading.skipped.append(Rejection(artifact=item.artifact, report=item.place, reason=NO_REPORT))

    def _reject(self, item: Unpacked, reason: str, pointer: str = "") -> None:
        self._reading.rejected.append(
            Rejection(artifact=item.artifact, report=item.place, reason=reason, pointer=pointer)
        )


def _name(item: Unpacked) -> str:
    return item.report if item.report != "." else item.place


def _head(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(HEAD).decode("utf-8", "ignore")


def _is_report_name(place: str) -> bool:
    return PurePosixPath(place).suffix.lower() in REPORT_SUFFIXES
