"""Mining past commits: a finding that a commit made disappear, its change, and the verdict on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from config.settings import Settings
from pipeline.findings.fingerprint import Sighting
from pipeline.findings.identity import Advisories
from pipeline.findings.normalise import Normaliser
from pipeline.findings.parse import sorted_findings
from pipeline.findings.redaction import Redactor, load_key
from pipeline.fixes.gone import gone_cases
from pipeline.fixes.hidden import secrets_of
from pipeline.fixes.interface import Case, Snapshot
from pipeline.fixes.past.commits import Step
from pipeline.fixes.past.scans import Scans, Version, versions
from pipeline.fixes.proposals import proposals
from pipeline.fixes.reduction import reduce
from pipeline.records import Excerpt, Finding, Fix, FixSource, Outcome, Verdict
from pipeline.scanners.interface import RawFinding
from pipeline.source.commit import GitTree
from pipeline.source.locate import Locator
from pipeline.source.redaction import Hiding
from pipeline.verification.service import Proposal, Service

AT_ONCE = 20
"""Commits whose files are scanned together: fewer starts of the scanners, bounded memory."""


@dataclass
class Mined:
    """What was found: records that belong together by fingerprint, and what was counted on the way."""

    findings: list[Finding] = field(default_factory=list)
    excerpts: list[Excerpt] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unverified: Counter[str] = field(default_factory=Counter)


@dataclass
class Past:
    """Mines steps of a repository. `workspace` holds the redaction key and the cache of scans."""

    repository: Path
    settings: Settings
    workspace: Path
    scans: Scans
    own_rules: Path | None = None
    progress: Callable[[str, int, int], None] = lambda message, done, total: None

    def mine(self, steps: Sequence[Step]) -> Mined:
        """Return the fixes of the steps, newest first; a weakness that came back counts once."""
        mined = Mined()
        taken: set[str] = set()
        for start in range(0, len(steps), AT_ONCE):
            self.progress("commits", start, len(steps))
            self._some(steps[start : start + AT_ONCE], mined, taken)
        self.progress("commits", len(steps), len(steps))
        return mined

    def _some(self, steps: Sequence[Step], mined: Mined, taken: set[str]) -> None:
        opened = [(step, self._snapshot(step.parent), self._snapshot(step.commit)) for step in steps]
        by_step = [versions(*one) for one in opened]
        self.scans.take(version for found in by_step for version in found)
        batch = [
            (step, case)
            for (step, here, later), found in zip(opened, by_step, strict=True)
            for case in self._cases(step, here, later, found, mined)
            if _fresh(case, taken)
        ]
        self._judge(batch, mined)
        for _, here, later in opened:
            here.tree.close()
            later.tree.close()

    def _snapshot(self, commit: str) -> Snapshot:
        limits = self.settings.source
        return Snapshot(GitTree(self.repository, commit, max_bytes=limits.max_file_bytes, max_files=limits.max_files))

    def _cases(
        self, step: Step, here: Snapshot, later: Snapshot, found: Sequence[Version], mined: Mined
    ) -> Iterator[Case]:
        """Yield what the step made disappear, where the scanner could read the file before and after."""
        mined.counts["commits"] += 1
        mined.counts["versions of files"] += len(found)
        texts = {path: (_text(here, path), _text(later, path)) for path in step.changed}
        before = self._said(((path, old) for path, (old, new) in texts.items() if old and new), set())
        unread = {(name, path) for name, path, said in before if said is None}
        after = self._said(((path, new) for path, (old, new) in texts.items() if old and new), set())
        unread |= {(name, path) for name, path, said in after if said is None}
        fresh = self._said(((path, _text(later, path)) for path in step.added), unread)
        normaliser = Normaliser(Redactor(load_key(self.workspace), _secrets(before)))
        earlier = _findings(normaliser, before, unread, step.parent)
        current = _findings(normaliser, [*after, *fresh], unread, step.commit)
        mined.counts["findings in changed files"] += len(earlier)
        scanners = frozenset(finding.scanner.name for finding in earlier)
        for case in gone_cases(earlier, current, here, later, scanners):
            mined.counts["findings gone"] += 1
            yield case

    def _said(
        self, wanted: Iterable[tuple[str, str | None]], without: set[tuple[str, str]]
    ) -> list[tuple[str, str, tuple[RawFinding, ...] | None]]:
        return [
            (name, path, said)
            for path, text in wanted
            if text is not None
            for name, said in self.scans.of((path, text))
            if (name, path) not in without
        ]

    def _judge(self, batch: Sequence[tuple[Step, Case]], mined: Mined) -> None:
        """Add what can be made of the batch's cases, for each the smallest change that verifies."""
        by_name = {case.finding.fingerprint: case for _, case in batch}

        def judge(cuts: Sequence[Fix]) -> list[Verdict]:
            return self._service().verify([_proposal(by_name[cut.fingerprint], cut) for cut in cuts])

        kept = reduce([fix for step, case in batch for fix in self._proposed(step, case, mined)], judge)
        verdicts = judge(kept) if kept else []
        mined.counts["fixes proposed"] += len(kept)
        for fix, verdict in zip(kept, verdicts, strict=True):
            if verdict.outcome is not Outcome.VERIFIED:
                mined.unverified[verdict.check or verdict.evidence] += 1
                continue
            case = by_name[fix.fingerprint]
            mined.counts["fixes verified"] += 1
            mined.findings.append(case.finding)
            mined.fixes.append(fix)
            mined.verdicts.append(verdict)
            mined.excerpts += self._excerpts(case)

    def _proposed(self, step: Step, case: Case, mined: Mined) -> Iterator[Fix]:
        redact = Redactor(load_key(self.workspace), set(secrets_of([case.finding], case.here))).redact
        for fix in proposals(case, mined.refused, redact):
            if fix.source is FixSource.HISTORY:
                yield msgspec.structs.replace(fix, commit=step.commit, made=step.made, note=_note(fix, step))

    def _service(self) -> Service:
        return Service(self.settings.verification, cache=self.workspace / "cache" / "scans", own_rules=self.own_rules)

    def _excerpts(self, case: Case) -> list[Excerpt]:
        located = Locator(case.here.tree, self.settings.source).locate_all([case.finding])
        hiding = Hiding(load_key(self.workspace), [one.hidden for one in located if one.hidden is not None])
        return [hiding.hide(one.sketch) for one in located if one.sketch is not None]


def _fresh(case: Case, taken: set[str]) -> bool:
    name = case.finding.fingerprint
    if name in taken:
        return False
    taken.add(name)
    return True


def _text(snapshot: Snapshot, path: str) -> str | None:
    found = snapshot.text(path)
    return found.text if found is not None else None


def _secrets(said: Iterable[tuple[str, str, tuple[RawFinding, ...] | None]]) -> set[str]:
    return {value for _, _, found in said for raw in found or () for value in raw.secrets}


def _findings(
    normaliser: Normaliser,
    said: Iterable[tuple[str, str, tuple[RawFinding, ...] | None]],
    unread: set[tuple[str, str]],
    commit: str,
) -> list[Finding]:
    """Return the findings of files that their scanner could read in both versions."""
    sightings = [
        Sighting(normaliser.finding(raw), name, ())
        for name, path, found in said
        if (name, path) not in unread
        for raw in found or ()
    ]
    return sorted_findings(sightings, Advisories(sighting.finding for sighting in sightings), commit)


def _note(fix: Fix, step: Step) -> str:
    return fix.note.replace("between two scans", f"in {step.commit[:12]}")


def _proposal(case: Case, fix: Fix) -> Proposal:
    return Proposal(case.finding, fix, case.here)
