"""All that is proposed for a case, by every source in order of trust, held to what a record promises."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.fixes.advisory import Advisories
from pipeline.fixes.curated import Curated
from pipeline.fixes.hidden import Redact, hide_secrets
from pipeline.fixes.history import History
from pipeline.fixes.interface import Case, Miner, Refusal
from pipeline.fixes.tool import ToolFixes
from pipeline.records import Fix

MINERS: tuple[Miner, ...] = (History(), Advisories(), ToolFixes(), Curated())
"""In order of trust; where two propose the same change, the first keeps it."""


def proposals(case: Case, refused: Counter[str], redact: Redact) -> list[Fix]:
    """Return the fixes of a case, and count in `refused` why there aren't more, by source."""
    fixes: dict[tuple[Any, ...], Fix] = {}
    for miner in MINERS:
        for proposed in miner.propose(case):
            fix = _checked(case, proposed, redact)
            if isinstance(fix, Refusal):
                refused[f"{miner.source}: {fix.reason}"] += 1
                continue
            fixes.setdefault((fix.path, fix.start_line, fix.end_line, fix.replacement), fix)
    return list(fixes.values())


def _checked(case: Case, proposed: Fix | Refusal, redact: Redact) -> Fix | Refusal:
    """Hold what a record promises: it differs, it stands in the tree, and it shows no secret."""
    if isinstance(proposed, Refusal):
        return proposed
    text = case.here.text(proposed.path)
    if text is None or text.block(proposed.start_line, proposed.end_line) != proposed.before:
        return Refusal(reason="before isn't what stands in the tree")
    if proposed.before == proposed.replacement:
        return Refusal(reason="changes nothing")
    return hide_secrets(proposed, redact)
