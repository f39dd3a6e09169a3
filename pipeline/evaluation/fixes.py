"""What a proposed fix is worth: verified by scanning again, and what it is when it isn't.

Exact match says little (FACTS: CodeBLEU and exact match don't measure fixes); it is shown beside
the verified rate, which counts. Copies and no-ops can't pass: they are counted before verification.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.evaluation.measurement import Answer, question_id
from pipeline.evaluation.scores import Scored, cluster
from pipeline.records import Example, Fix, FixSource, Outcome, Record, Verdict

Verify = Callable[[Sequence[Fix]], Sequence[Verdict]]
_FENCE = re.compile(r"\A\s*```[^\n]*\n(.*?)\n?```\s*\Z", re.DOTALL)
CHECKS = ("empty", "unfinished", "no-op", "not verified")


class Proposal(Record):
    """One answer read as a fix. `check` names what failed, None when nothing did or nothing was checked."""

    question: str
    text: str
    exact: bool
    unchanged: bool
    check: str | None = None
    verified: bool | None = None


def propose(example: Example, answer: str, *, finished: bool = True) -> Proposal:
    """Read an answer as the replacement of the marked lines; a code fence round it is taken off."""
    fence = _FENCE.match(answer)
    text = (fence.group(1) if fence else answer).rstrip()
    before = str(example.metadata.get("before") or "")
    unchanged = _plain(text) == _plain(before)
    check = "empty" if not text.strip() else "unfinished" if not finished else "no-op" if unchanged else None
    return Proposal(
        question=question_id(example),
        text=text,
        exact=_lines(text) == _lines(example.messages[-1].content),
        unchanged=unchanged or not text.strip(),
        check=check,
    )


def as_fix(example: Example, proposal: Proposal) -> Fix:
    """Return a proposal as a fix of its finding."""
    known = example.metadata
    return Fix(
        fingerprint=str(known["fingerprint"]),
        source=FixSource.MODEL,
        path=str(known["path"]),
        start_line=int(known["start_line"]),
        end_line=int(known["end_line"]),
        before=str(known["before"]),
        replacement=proposal.text + "\n",
    )


def proposals(examples: Sequence[Example], answers: Mapping[str, Answer]) -> list[Proposal]:
    """Return each example's answer as a proposal, in the examples' order."""
    return [
        propose(
            example,
            answers[question_id(example)].text,
            finished=answers[question_id(example)].ending not in ("length", "time"),
        )
        for example in examples
    ]


def verified(examples: Sequence[Example], made: Sequence[Proposal], verify: Verify | None) -> list[Proposal]:
    """Return the proposals with verification's word; without a verifier `verified` stays unknown.

    What fails before (empty, unfinished, no-op) is not verified, whatever a scanner would say.
    """
    if verify is None:
        return list(made)
    hopeful = [number for number, one in enumerate(made) if one.check is None]
    verdicts = verify([as_fix(examples[number], made[number]) for number in hopeful])
    said = dict(zip(hopeful, verdicts, strict=True))
    return [_with(one, said.get(number)) for number, one in enumerate(made)]


def scored(examples: Sequence[Example], made: Sequence[Proposal]) -> dict[str, Scored]:
    """Return the items of every fix metric: exact, unchanged, and verified where that was checked."""
    parts: dict[str, list[float | None]] = {
        "fix_verified": [None if one.verified is None else float(one.verified) for one in made],
        "fix_exact": [float(one.exact) for one in made],
        "fix_unchanged": [float(one.unchanged) for one in made],
    }
    result = {}
    for name, values in parts.items():
        known = [(value, example) for value, example in zip(values, examples, strict=True) if value is not None]
        if known:
            result[name] = Scored(
                items=tuple((value, 1.0) for value, _ in known),
                clusters=tuple(cluster(example) for _, example in known),
                questions=tuple(question_id(example) for _, example in known),
            )
    return result


def checks(made: Sequence[Proposal]) -> dict[str, Any]:
    """Return how many proposals failed at each check, and how many were verified or only proposed."""
    counts = Counter(one.check or ("verified" if one.verified else "proposed") for one in made)
    return dict(sorted(counts.items()))


def at_least_one(tries: int, right: int, k: int) -> float:
    """Return the chance that one of `k` drawn from `tries` is right (Chen et al. 2021, unbiased pass@k)."""
    if tries < k:
        raise ValueError(f"{k} can't be drawn from {tries}")
    return 1.0 - math.comb(tries - right, k) / math.comb(tries, k)


def _with(one: Proposal, verdict: Verdict | None) -> Proposal:
    good = verdict is not None and verdict.outcome is Outcome.VERIFIED
    failed = one.check or (None if good else (verdict.check if verdict and verdict.check else "not verified"))
    return Proposal(
        question=one.question,
        text=one.text,
        exact=one.exact,
        unchanged=one.unchanged,
        check=failed,
        verified=good,
    )


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").split("\n")]
