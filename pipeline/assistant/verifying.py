"""Proposals put to verification: in which files, with which scanners, beside which other findings."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from config.errors import UsageError
from config.settings import Verification
from pipeline.assistant.question import Meant, request_of
from pipeline.dataset import prompts
from pipeline.fixes.interface import Snapshot
from pipeline.records import Finding, Fix, Outcome, Record, Verdict
from pipeline.source.tree import open_tree
from pipeline.stage import read_records
from pipeline.verification.change import Stale, apply
from pipeline.verification.packages import judge_coordinate
from pipeline.verification.scanning import rules_in
from pipeline.verification.service import Proposal, Service, verdict_of

NO_SOURCE = "its source isn't here"


class Proposed(Record):
    """A fix, the change it makes as a unified diff, and what verification says of it."""

    fix: Fix
    diff: str
    verdict: Verdict


class Verifier(msgspec.Struct, frozen=True):
    """How proposals are verified: in which files, with which scanners, beside which other findings."""

    settings: Verification
    snapshot: Snapshot | None
    source: Path | None
    cache: Path
    findings: Sequence[Finding] = ()

    def judge(self, finding: Finding, fixes: Sequence[Fix]) -> list[Proposed]:
        """Return each fix with its diff and its verdict; one start of the scanner for all."""
        if self.snapshot is None:
            return [Proposed(fix=fix, diff=diff_of(fix), verdict=_unseen(finding, fix)) for fix in fixes]
        own_rules = rules_in([self.source]) if self.source else None
        service = Service(self.settings, self.cache, own_rules, self.findings)
        verdicts = service.verify([Proposal(finding, fix, self.snapshot) for fix in fixes])
        return [
            Proposed(fix=fix, diff=diff_in(finding, fix, self.snapshot), verdict=verdict)
            for fix, verdict in zip(fixes, verdicts, strict=True)
        ]


def verifier_of(asked: Meant, source: str | None, stack: ExitStack, as_it_is: bool = False) -> Verifier:
    """Return how fixes of a finding are verified: in the scanned commit, or in the working copy `as_it_is`.

    `source` is the repository where it isn't the run's. The verifier's tree is open as long as `stack` is.
    """
    request = request_of(asked.run)
    recorded = request.source if request is not None else None
    found = Path(source).expanduser() if source else Path(recorded) if recorded else None
    if found is None or (not found.is_dir() and not source):
        if as_it_is:
            raise UsageError("There is no source to write into.", "Name the working copy with --source.")
        found = None
    commit = None if as_it_is or request is None else request.commit
    tree = stack.enter_context(open_tree(str(found), commit, asked.settings.source)) if found is not None else None
    return Verifier(
        settings=asked.settings.verification,
        snapshot=Snapshot(tree) if tree is not None else None,
        source=found,
        cache=asked.run.parents[1] / "cache" / "scans",
        findings=tuple(read_records(asked.run / "parse" / "findings.jsonl", Finding)),
    )


def require_open(asked: Meant) -> None:
    """Raise UsageError when the newer scan of the run no longer reports the finding."""
    name = asked.material.finding.fingerprint
    if all(one.fingerprint != name for one in read_records(asked.run / "parse" / "findings.jsonl", Finding)):
        raise UsageError(
            f"Finding {name[:8]} is gone from the newer scan: there is nothing to fix.",
            "`fixsmith findings` shows the open ones.",
        )


def is_verified(one: Proposed) -> bool:
    """Tell whether verification confirmed a proposal."""
    return one.verdict.outcome is Outcome.VERIFIED


def diff_in(finding: Finding, fix: Fix, snapshot: Snapshot) -> str:
    """Return the whole change to the file as a unified diff; of a fix that doesn't fit, its lines alone."""
    try:
        change = apply(finding, fix, snapshot)
    except Stale:
        return diff_of(fix)
    return _diff(change.path, change.before.text, change.after.text)


def diff_of(fix: Fix) -> str:
    """Return the replaced lines and the new ones as a unified diff."""
    return _diff(fix.path, fix.before, fix.replacement)


def _unseen(finding: Finding, fix: Fix) -> Verdict:
    if fix.before.strip() and fix.before.strip() == prompts.coordinate(finding):
        return verdict_of(fix, *judge_coordinate(finding, fix))
    return verdict_of(fix, Outcome.UNVERIFIABLE, NO_SOURCE)


def _diff(path: str, before: str, after: str) -> str:
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
        )
    )
