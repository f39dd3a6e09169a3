"""The smallest change that still verifies: of several cuts of one person's change, the shortest that does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pipeline.records import Fix, Outcome, Verdict

Judge = Callable[[Sequence[Fix]], list[Verdict]]


def reduce(fixes: Sequence[Fix], judge: Judge) -> list[Fix]:
    """Return one history fix for each finding: the shortest verified cut, else the first.

    `fixes` are those of history; of a finding's cuts the first is the change at its place, whole.
    """
    cuts: dict[str, list[Fix]] = defaultdict(list)
    for fix in fixes:
        cuts[fix.fingerprint].append(fix)
    several = [fix for group in cuts.values() if len(group) > 1 for fix in group]
    verdicts = judge(several) if several else []
    verified = {id(fix) for fix, one in zip(several, verdicts, strict=True) if one.outcome is Outcome.VERIFIED}
    return [
        min((fix for fix in group if id(fix) in verified), key=_length, default=group[0]) for group in cuts.values()
    ]


def _length(fix: Fix) -> int:
    return fix.before.count("\n") + fix.replacement.count("\n")
