"""The fixes of a run that may be learned and shown: those that verification confirmed, and no others."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from pipeline.records import Fix, Outcome, Verdict
from pipeline.stage import digest_of, read_records


def verified_fixes(mined: Path, judged: Path) -> dict[str, list[tuple[Fix, Verdict]]]:
    """Return the verified fixes with their verdicts, by fingerprint, in the order they were mined."""
    verdicts = {verdict.fix: verdict for verdict in read_records(judged / "verdicts.jsonl", Verdict)}
    result: dict[str, list[tuple[Fix, Verdict]]] = defaultdict(list)
    for fix in read_records(mined / "fixes.jsonl", Fix):
        verdict = verdicts.get(digest_of(fix))
        if verdict is not None and verdict.outcome is Outcome.VERIFIED:
            result[fix.fingerprint].append((fix, verdict))
    return result
