"""Proposed fixes put to verification: the same checks a mined fix passes, in the same snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from pipeline.fixes.interface import Snapshot
from pipeline.fixes.trees import snapshot_of
from pipeline.records import Finding, Fix, Outcome, Verdict
from pipeline.stage import Context, read_records
from pipeline.verification.scanning import service_of
from pipeline.verification.service import Proposal, verdict_of

UNKNOWN = "its finding or its source isn't here"


class Checker:
    """Verifies fixes of a run's findings; without source or findings every one is unverifiable."""

    def __init__(self, context: Context, parsed: Path) -> None:
        self._context = context
        self._current = _findings(parsed / "findings.jsonl")
        self._earlier = _findings(parsed / "earlier.jsonl")

    def __call__(self, fixes: Sequence[Fix]) -> list[Verdict]:
        """Return a verdict for each fix, in their order; one start of each scanner for all."""
        with ExitStack() as stack:
            request = self._context.request
            trees = {
                True: snapshot_of(self._context, stack, request.source, request.commit),
                False: snapshot_of(self._context, stack, request.earlier_source, request.earlier_commit),
            }
            proposals = [self._proposal(fix, trees) for fix in fixes]
            findings = [*self._current.values(), *self._earlier.values()]
            service = service_of(self._context, "evaluate", findings)
            known = iter(service.verify([one for one in proposals if one is not None]))
        return [
            verdict_of(fix, Outcome.UNVERIFIABLE, UNKNOWN) if one is None else next(known)
            for fix, one in zip(fixes, proposals, strict=True)
        ]

    def _proposal(self, fix: Fix, trees: Mapping[bool, Snapshot | None]) -> Proposal | None:
        finding = self._current.get(fix.fingerprint) or self._earlier.get(fix.fingerprint)
        snapshot = trees[fix.fingerprint in self._current]
        if finding is None or snapshot is None or not fix.path:
            return None
        return Proposal(finding, fix, snapshot)


def _findings(path: Path) -> dict[str, Finding]:
    return {one.fingerprint: one for one in read_records(path, Finding)} if path.exists() else {}
