"""The smallest change that still verifies: of several cuts of one person's change, the shortest that does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pipeline.fixes.history import ELSEWHERE
from pipeline.records import Fix, Outcome, Verdict

Judge = Callable[[Sequence[Fix]], list[Verdict]]


def reduce(fixes: Sequence[Fix], judge: Judge) -> list[Fix]:
    """Return at most one history fix for each finding: the shortest verified cut, else the first.

    `fixes` are those of history; of a finding's cuts the first is the change at its place, whole.
    A cut from elsewhere in the file is kept only when a scan ties it to the finding.
    """
    cuts: dict[str, list[Fix]] = defaultdict(list)
    for fix in fixes:
        cuts[fix.fingerprint].append(fix)
    several = [fix for group in cuts.values() for fix in group if len(group) > 1 or _elsewhere(fix)]
    verdicts = judge(several) if several else []
    verified = {id(fix) for fix, one in zip(several, verdicts, strict=True) if one.outcome is Outcome.VERIFIED}
    chosen = (_shortest([fix for fix in group if id(fix) in verified], group[0]) for group in cuts.values())
    return [fix for fix in chosen if id(fix) in verified or not _elsewhere(fix)]


def _elsewhere(fix: Fix) -> bool:
    return fix.note.startswith(ELSEWHERE)


def _shortest(verified: list[Fix], default: Fix) -> Fix:
    return min(verified, key=_length, default=default)


def _length(fix: Fix) -> int:
    return fix.before.count("\n") + fix.replacement.count("\n")
