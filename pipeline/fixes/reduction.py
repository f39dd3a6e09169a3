"""The smallest change that still verifies: of several cuts of one person's change, the first that does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pipeline.records import Fix, Outcome, Verdict

Judge = Callable[[Sequence[Fix]], list[Verdict]]


def reduce(fixes: Sequence[Fix], judge: Judge) -> list[Fix]:
    """Return one history fix for each finding: the first verified cut, else the last, which is the whole change.

    `fixes` are those of history, the cuts of one finding in order, smallest first.
    """
    cuts: dict[str, list[Fix]] = defaultdict(list)
    for fix in fixes:
        cuts[fix.fingerprint].append(fix)
    several = [fix for group in cuts.values() if len(group) > 1 for fix in group]
    verdicts = judge(several) if several else []
    verified = {id(fix) for fix, one in zip(several, verdicts, strict=True) if one.outcome is Outcome.VERIFIED}
    return [next((fix for fix in group if id(fix) in verified), group[-1]) for group in cuts.values()]
