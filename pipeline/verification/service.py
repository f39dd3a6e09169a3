"""Verdicts for many fixes: cheap checks first, then one start of each scanner for all that are left."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from config.settings import Verification
from pipeline.fixes.interface import Snapshot
from pipeline.records import Finding, Fix, FixSource, Outcome, PackageLocation, Verdict
from pipeline.verification.batch import Batches
from pipeline.verification.cache import ScanCache
from pipeline.verification.change import Change, Stale, apply
from pipeline.verification.cheap import failing_check
from pipeline.verification.checks.spellings import same_in_other_words
from pipeline.verification.interface import Files, Runner, Scan, ScannerMissing, Setup
from pipeline.verification.judge import new_finding, still_there, target_of
from pipeline.verification.packages import judge_version
from pipeline.verification.runners.registry import find_setup, runner_for
from pipeline.verification.suppressions import unmuted
from pipeline.verification.testing import failing_tests

TWO_SCANS = "two CI scans"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fix to verify, its finding, and the snapshot it is for."""

    finding: Finding
    fix: Fix
    snapshot: Snapshot
    twice_scanned: bool = False
    """The finding is gone in a later CI scan of the commit the fix comes from."""


@dataclass(slots=True)
class Service:
    """Verifies proposals; `cache` keeps scans, `own_rules` are the repository's Semgrep rules."""

    settings: Verification
    cache: Path | None = None
    own_rules: Path | None = None
    findings: Sequence[Finding] = ()
    progress: Callable[[int, int], None] = lambda done, total: None
    starts: dict[str, int] = field(default_factory=dict)

    def verify(self, proposals: Sequence[Proposal]) -> list[Verdict]:
        """Return a verdict for each proposal, in their order."""
        verdicts: list[Verdict | None] = [None] * len(proposals)
        waiting: dict[str, list[tuple[int, Change]]] = defaultdict(list)
        for number, proposal in enumerate(proposals):
            first = self._first(proposal)
            if isinstance(first, Verdict):
                verdicts[number] = first
            else:
                waiting[proposal.finding.scanner.name.lower()].append((number, first))
        for scanner, cases in sorted(waiting.items()):
            judged = self._with_scanner(scanner, [change for _, change in cases], [proposals[n] for n, _ in cases])
            for (number, change), verdict in zip(cases, judged, strict=True):
                verdicts[number] = self._tested(change, proposals[number], verdict)
            self.progress(sum(verdict is not None for verdict in verdicts), len(proposals))
        return [verdict for verdict in verdicts if verdict is not None]

    def _first(self, proposal: Proposal) -> Verdict | Change:
        """Judge without a scanner what can be; return the change where one is needed."""
        try:
            change = apply(proposal.finding, proposal.fix, proposal.snapshot)
        except Stale as stale:
            return verdict_of(proposal.fix, Outcome.REFUTED, str(stale), "applies")
        if change.before.lines == change.after.lines:
            return verdict_of(proposal.fix, Outcome.REFUTED, "it changes nothing", "applies")
        failed = failing_check(change)
        if failed is not None:
            return verdict_of(proposal.fix, Outcome.REFUTED, failed[1], failed[0])
        if isinstance(proposal.finding.location, PackageLocation):
            outcome, evidence, check = judge_version(change, self.findings)
            if outcome is Outcome.UNVERIFIABLE and proposal.twice_scanned:
                return verdict_of(proposal.fix, Outcome.VERIFIED, TWO_SCANS)
            return verdict_of(proposal.fix, outcome, evidence, check)
        return change

    def _with_scanner(self, scanner: str, changes: list[Change], proposals: list[Proposal]) -> list[Verdict]:
        runner = runner_for(scanner)
        try:
            if runner is None:
                raise ScannerMissing(f"{scanner} can't be run again")
            setup = find_setup(runner, self.settings, self.own_rules)
        except ScannerMissing as missing:
            return [_unseen(*one, missing.message) for one in zip(changes, proposals, strict=True)]
        return self._scanned(runner, setup, changes, proposals)

    def _scanned(self, runner: Runner, setup: Setup, changes: list[Change], proposals: list[Proposal]) -> list[Verdict]:
        batches = Batches(runner, setup, self.settings, ScanCache(self.cache))
        cases = [files for change in changes for files in (_files(change, fixed=False), _files(change, fixed=True))]
        scans = batches.scan(cases)
        self.starts[runner.name] = self.starts.get(runner.name, 0) + batches.starts
        evidence = f"{runner.name} {setup.version}".strip()[:60]
        return [
            _judged(change, proposal, scans[2 * number], scans[2 * number + 1], evidence)
            for number, (change, proposal) in enumerate(zip(changes, proposals, strict=True))
        ]

    def _tested(self, change: Change, proposal: Proposal, verdict: Verdict) -> Verdict:
        if verdict.outcome is not Outcome.VERIFIED or not self.settings.test_command:
            return verdict
        reason = failing_tests(change, proposal.snapshot, self.settings)
        if reason is not None:
            return verdict_of(proposal.fix, Outcome.REFUTED, reason, "tests")
        return msgspec.structs.replace(verdict, evidence=f"{verdict.evidence}; tests pass")


def verdict_of(fix: Fix, outcome: Outcome, evidence: str, check: str | None = None) -> Verdict:
    """Return a verdict under the fix's own name."""
    return Verdict(fingerprint=fix.fingerprint, fix=fix_digest(fix), outcome=outcome, evidence=evidence, check=check)


def fix_digest(fix: Fix) -> str:
    """Return the name a verdict calls a fix by: the SHA-256 of its record."""
    return hashlib.sha256(msgspec.json.encode(fix, order="sorted")).hexdigest()


def _judged(change: Change, proposal: Proposal, before: Scan, after: Scan, evidence: str) -> Verdict:
    fix = proposal.fix
    if before.broken is not None:
        return _unseen(change, proposal, f"the scanner can't read the file: {before.broken}")
    target = target_of(change.finding, change, before)
    if target is None:
        return _unseen(change, proposal, "the scanner here doesn't report the finding")
    if after.broken is not None:
        return verdict_of(fix, Outcome.REFUTED, f"the scanner can't read the fixed file: {after.broken}", "syntax")
    for check, reason in (
        ("finding gone", still_there(target, change, before, after)),
        ("nothing new", new_finding(target, before, after)),
        ("no disguise", same_in_other_words(change)),
    ):
        if reason is not None:
            return verdict_of(fix, Outcome.REFUTED, reason, check)
    return verdict_of(fix, Outcome.VERIFIED, f"scanned again with {evidence}")


def _unseen(change: Change, proposal: Proposal, reason: str) -> Verdict:
    """Return what can be said without a scan: a person's change between two CI scans counts."""
    if words := same_in_other_words(change):
        return verdict_of(proposal.fix, Outcome.REFUTED, words, "no disguise")
    if proposal.twice_scanned and proposal.fix.source is FixSource.HISTORY:
        return verdict_of(proposal.fix, Outcome.VERIFIED, TWO_SCANS)
    return verdict_of(proposal.fix, Outcome.UNVERIFIABLE, reason)


def _files(change: Change, *, fixed: bool) -> Files:
    text = unmuted((change.after if fixed else change.before).text)
    return {change.path: text.encode("utf-8", "surrogatepass")}
