"""The stage `parse`: reports become findings, one for each weakness, with no secret left in.

Recognise, read, clean and redact, fingerprint, merge. Reports are read where they lie; nothing
of them is written before redaction, and nothing unpacked stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from config.errors import InputRefused
from config.settings import Settings
from pipeline.artifacts.interface import INDEX, REJECTED, IndexEntry, sorted_rejections
from pipeline.findings.fingerprint import Sighting, weaknesses
from pipeline.findings.identity import Advisories
from pipeline.findings.merge import merge
from pipeline.findings.normalise import Normaliser
from pipeline.findings.reading import Reading, read_snapshots
from pipeline.findings.redaction import Redactor, load_key
from pipeline.records import Finding, Origin, Rejection
from pipeline.stage import Context, Request, read_records, write_records

FINDINGS = "findings.jsonl"
EARLIER = "earlier.jsonl"
SKIPPED = "skipped.jsonl"
SHOWN = 5
T = TypeVar("T")


class Parse:
    """Read the collected reports of both snapshots into findings."""

    name = "parse"
    needs: tuple[str, ...] = ("collect",)

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the limits and the commit the findings are of."""
        return {"artifacts": settings.artifacts, "commit": request.commit}

    def run(self, context: Context) -> dict[str, Any]:
        """Write findings, the earlier snapshot's, what was rejected and what is no report.

        Raises InputRefused when not one report could be read.
        """
        index = list(read_records(context.inputs["collect"] / INDEX, IndexEntry))
        refused = tuple(read_records(context.inputs["collect"] / REJECTED, Rejection))
        reading = read_snapshots(context, index)
        normaliser = Normaliser(Redactor(load_key(context.folder.parents[2]), reading.secrets))
        rejected = sorted_rejections(normaliser.rejection(rejection) for rejection in (*refused, *reading.rejected))
        skipped = sorted_rejections(normaliser.rejection(rejection) for rejection in reading.skipped)
        write_records(context.folder / REJECTED, rejected)
        write_records(context.folder / SKIPPED, skipped)
        _require_one(reading, rejected, skipped, context.folder / REJECTED)
        _warn(context, rejected)
        counts = self._write(context, reading, normaliser)
        return counts | {"reports": reading.reports, "rejected": len(rejected), "skipped": len(skipped)}

    def _write(self, context: Context, reading: Reading, normaliser: Normaliser) -> dict[str, Any]:
        raw = {name: list(_sightings(reading, name, normaliser)) for name in reading.raw}
        advisories = Advisories(sighting.finding for group in raw.values() for sighting in group)
        before = {name: Counter(s.finding.scanner.name for s in group) for name, group in raw.items()}
        earlier = sorted_findings(_drained(raw["earlier"]), advisories, None)
        if context.request.earlier_artifacts is not None:
            write_records(context.folder / EARLIER, earlier)
        current = sorted_findings(_drained(raw["current"]), advisories, context.request.commit)
        write_records(context.folder / FINDINGS, current)
        return _counts(before, current) | {
            "earlier_findings": len(earlier),
            "earlier_before_merging": before["earlier"].total(),
        }


def sorted_findings(sightings: Iterable[Sighting], advisories: Advisories, commit: str | None) -> list[Finding]:
    """Return one finding for each weakness, ordered by place, rule and fingerprint."""
    found = [merge(weakness, advisories, commit) for weakness in _drained(weaknesses(sightings, advisories))]
    found.sort(key=_place)
    return found


def _drained(items: list[T]) -> Iterator[T]:
    """Yield the items and let each go: a large report is then in memory once and not three times."""
    while items:
        yield items.pop()


def _place(finding: Finding) -> tuple[Any, ...]:
    location = finding.location
    texts = [
        str(value or "") for name in location.__struct_fields__ if not isinstance(value := getattr(location, name), int)
    ]
    line = getattr(location, "start_line", None) or getattr(location, "line", None) or 0
    return type(location).__name__, texts[0], line, texts[1:], finding.rule.id, finding.fingerprint


def _sightings(reading: Reading, snapshot: str, normaliser: Normaliser) -> Iterator[Sighting]:
    """Yield the snapshot's findings, safe to write; the raw ones are let go on the way."""
    for raw in _drained(reading.raw[snapshot]):
        finding = normaliser.finding(raw.finding)
        origins = tuple(
            Origin(
                artifact=artifact,
                report=normaliser.text(report),
                pointer=finding.pointer,
                scanner=finding.scanner.name,
            )
            for artifact, report in raw.places
        )
        yield Sighting(finding, raw.report, origins)


def _require_one(reading: Reading, rejected: list[Rejection], skipped: list[Rejection], kept: Path) -> None:
    if reading.reports:
        return
    lines = [f"{one.report}: {one.reason.rstrip('.')}" for one in (*rejected, *skipped)]
    more = f"; {len(lines) - SHOWN} more in {kept.parent}" if len(lines) > SHOWN else ""
    raise InputRefused(
        f"No scanner report could be read; {len(rejected)} refused, {len(skipped)} are no reports. "
        f"{'; '.join(lines[:SHOWN])}{more}.",
        "Give a folder with scanner reports (SARIF or a scanner's own JSON), or the zips CI made of them.",
    )


def _warn(context: Context, rejected: list[Rejection]) -> None:
    """Name each report that lost something, once."""
    reports = {one.report: one.reason for one in reversed(rejected)}
    for report, reason in sorted(reports.items())[:SHOWN]:
        context.warn(f"{report}: {reason} (see {REJECTED})")
    if len(reports) > SHOWN:
        context.warn(f"{len(reports) - SHOWN} more reports were refused or lost a part: see {REJECTED}")


def _counts(before: dict[str, Counter[str]], current: list[Finding]) -> dict[str, Any]:
    return {
        "findings": len(current),
        "before_merging": before["current"].total(),
        "scanners": dict(sorted(Counter(finding.scanner.name for finding in current).items())),
        "scanners_before_merging": dict(sorted(before["current"].items())),
        "domains": dict(sorted(Counter(str(finding.domain) for finding in current).items())),
        "severities": dict(sorted(Counter(str(finding.severity) for finding in current).items())),
    }
