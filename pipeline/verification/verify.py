"""The stage `verify`: a verdict for every mined fix."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.fixes.interface import Snapshot
from pipeline.fixes.trees import snapshot_of
from pipeline.records import Finding, Fix, Outcome, Verdict
from pipeline.stage import Context, Request, read_records, write_records
from pipeline.verification.packages import judge_coordinate
from pipeline.verification.scanning import scanning_settings, service_of
from pipeline.verification.service import Proposal, fix_digest, verdict_of


class Verify:
    """Stage `verify`: `verdicts.jsonl`, one for each fix in `mine/fixes.jsonl`, in its order."""

    name = "verify"
    needs: tuple[str, ...] = ("parse", "mine")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the settings, the sources by digest, and which scanners are here in which version."""
        return {
            "verification": scanning_settings(settings.verification),
            "digests": [request.source_digest, request.earlier_source_digest],
            "commit": request.commit,
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Write verdicts.jsonl; return counts by outcome, source and failing check."""
        fixes = list(read_records(context.inputs["mine"] / "fixes.jsonl", Fix))
        with ExitStack() as stack:
            proposals, findings = _proposals(context, stack, fixes)
            verdicts = service_of(context, self.name, list(findings.values())).verify(list(proposals.values()))
        judged = dict(zip(proposals, verdicts, strict=True))
        verdicts = [judged.get(number) or _without_source(fix, findings) for number, fix in enumerate(fixes)]
        write_records(context.folder / "verdicts.jsonl", verdicts)
        return _counts(fixes, verdicts)


def _proposals(context: Context, stack: ExitStack, fixes: list[Fix]) -> tuple[dict[int, Proposal], dict[str, Finding]]:
    """Return what can be verified in a source tree, by the fix's number, and all findings by fingerprint."""
    request, parsed = context.request, context.inputs["parse"]
    current, earlier = _findings(parsed / "findings.jsonl"), _findings(parsed / "earlier.jsonl")
    trees: dict[bool, Snapshot | None] = {
        True: snapshot_of(context, stack, request.source, request.commit),
        False: snapshot_of(context, stack, request.earlier_source, request.earlier_commit),
    }
    findings = earlier | current
    proposals = {}
    for number, fix in enumerate(fixes):
        is_open = fix.fingerprint in current
        snapshot, finding = trees[is_open], findings.get(fix.fingerprint)
        if snapshot is not None and finding is not None:
            proposals[number] = Proposal(finding, fix, snapshot, twice_scanned=not is_open)
    return proposals, findings


def _without_source(fix: Fix, findings: dict[str, Finding]) -> Verdict:
    """Return what can be said of a fix when there is no source: an upgrade is judged by its versions."""
    finding = findings.get(fix.fingerprint)
    if finding is None:
        return verdict_of(fix, Outcome.UNVERIFIABLE, "its finding isn't known")
    return verdict_of(fix, *judge_coordinate(finding, fix))


def _findings(path: Path) -> dict[str, Finding]:
    return {one.fingerprint: one for one in read_records(path, Finding)} if path.exists() else {}


def _counts(fixes: list[Fix], verdicts: list[Verdict]) -> dict[str, Any]:
    sources = {fix_digest(fix): str(fix.source) for fix in fixes}
    outcomes = Counter(str(verdict.outcome) for verdict in verdicts)
    by_source = Counter(f"{sources[verdict.fix]}: {verdict.outcome}" for verdict in verdicts)
    reasons = Counter(verdict.check or verdict.evidence for verdict in verdicts if verdict.outcome != "verified")
    return {
        "outcomes": dict(sorted(outcomes.items())),
        "by_source": dict(sorted(by_source.items())),
        "not_verified": dict(sorted(reasons.items())),
        "evidence": dict(sorted(Counter(v.evidence for v in verdicts if v.outcome == "verified").items())),
    }
