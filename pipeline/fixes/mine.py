"""The stage `mine`: fixes for findings, from history, advisories and the tools themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.findings.redaction import Redactor, load_key
from pipeline.fixes.coordinate import coordinates
from pipeline.fixes.gone import gone_cases
from pipeline.fixes.hidden import Redact, secrets_of
from pipeline.fixes.interface import Case
from pipeline.fixes.proposals import proposals
from pipeline.fixes.reduction import reduce
from pipeline.fixes.trees import snapshot_of
from pipeline.records import Finding, Fix, FixSource, Verdict
from pipeline.stage import Context, Progress, Request, read_records, write_records
from pipeline.verification.scanning import scanning_settings, service_of
from pipeline.verification.service import Proposal


class Mine:
    """Stage `mine`: `fixes.jsonl`, with counts of fixes and of reasons by source."""

    name = "mine"
    needs = ("parse", "locate")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return which sources are read, by digest."""
        return {
            "source": msgspec.to_builtins(settings.source),
            "digests": [request.source_digest, request.earlier_source_digest],
            "commit": request.commit,
            "verification": scanning_settings(settings.verification),
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Write fixes.jsonl; return counts."""
        fixes: list[Fix] = []
        refused: Counter[str] = Counter()
        with ExitStack() as stack:
            cases = list(_cases(context, stack))
            redact = _redactor(context, cases)
            for done, case in enumerate(cases):
                fixes += proposals(case, refused, redact)
                if done % 50 == 0:
                    context.progress(Progress(stage="mine", message="fixes", done=done, total=len(cases)))
            fixes = _reduced(context, cases, fixes)
        if context.request.source is None:
            fixes += coordinates(_findings(context.inputs["parse"] / "findings.jsonl"))
        write_records(context.folder / "fixes.jsonl", fixes)
        counts = Counter(str(fix.source) for fix in fixes)
        return {"fixes": dict(sorted(counts.items())), "refused": dict(sorted(refused.items()))}


def _reduced(context: Context, cases: list[Case], fixes: list[Fix]) -> list[Fix]:
    """Keep of several cuts of a person's change the smallest that verifies, where a scanner can tell."""
    by_fingerprint = {case.finding.fingerprint: case for case in cases}

    def judge(cuts: Sequence[Fix]) -> list[Verdict]:
        proposals = (
            Proposal(case.finding, fix, case.here)
            for fix in cuts
            if (case := by_fingerprint.get(fix.fingerprint)) is not None
        )
        return service_of(context, "mine").verify(list(proposals))

    history = [fix for fix in fixes if fix.source is FixSource.HISTORY]
    kept = {id(fix) for fix in reduce(history, judge)}
    return [fix for fix in fixes if fix.source is not FixSource.HISTORY or id(fix) in kept]


def _redactor(context: Context, cases: list[Case]) -> Redact:
    """Return what hides what the scanners' findings of secrets point at, and what looks like one."""
    known = {value for case in cases for value in secrets_of([case.finding], case.here)}
    return Redactor(load_key(context.folder.parents[2]), known).redact


def _cases(context: Context, stack: ExitStack) -> Iterator[Case]:
    """Yield open findings with the present tree, and gone ones with both, sorted by fingerprint."""
    request, parsed = context.request, context.inputs["parse"]
    now = snapshot_of(context, stack, request.source, request.commit)
    before = snapshot_of(context, stack, request.earlier_source, request.earlier_commit)
    current = _findings(parsed / "findings.jsonl")
    earlier = _findings(parsed / "earlier.jsonl")
    seen = frozenset(finding.scanner.name for finding in current)
    if now is not None:
        yield from (Case(finding=finding, here=now) for finding in current)
    if before is not None:
        yield from gone_cases(earlier, current, before, now, seen)


def _findings(path: Path) -> list[Finding]:
    if not path.exists():
        return []
    return sorted(read_records(path, Finding), key=lambda finding: finding.fingerprint)
