"""What a proposed fix is worth: verified by scanning again, and what it is when it isn't.

Exact match says little (FACTS: CodeBLEU and exact match don't measure fixes); it is shown beside
the verified rate, which counts. Copies and no-ops can't pass: they are counted before verification.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import msgspec

from pipeline.evaluation.measurement import Answer, question_id
from pipeline.evaluation.scores import Scored, cluster
from pipeline.records import Example, Fix, FixSource, Outcome, Record, Verdict

_FENCE = re.compile(r"\A\s*```[^\n]*\n(.*?)\n?```\s*\Z", re.DOTALL)


class Proposal(Record):
    """One answer read as a fix. `check` names what failed, None when nothing did or nothing was checked."""

    question: str
    text: str
    exact: bool
    unchanged: bool
    check: str | None = None
    verified: bool | None = None


VALUES: dict[str, Callable[[Proposal], bool]] = {
    "fix_verified": lambda one: bool(one.verified),
    "fix_exact": lambda one: one.exact,
    "fix_unchanged": lambda one: one.unchanged,
}


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
        path=str(known.get("path") or ""),
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


def verified(made: Sequence[Proposal], verdicts: Sequence[Verdict]) -> list[Proposal]:
    """Return the proposals with verification's word; what can't be verified stays unknown.

    A proposal that is empty, unfinished or a no-op isn't verified, whatever a scanner says of it.
    """
    return [_with(one, verdict) for one, verdict in zip(made, verdicts, strict=True)]


def scored(examples: Sequence[Example], made: Sequence[Proposal], known: Container[str]) -> dict[str, Scored]:
    """Return the items of every fix metric; `known` names the questions every contender has a verdict on."""
    result = {}
    for name, value in VALUES.items():
        rows = [
            (value(one), example)
            for one, example in zip(made, examples, strict=True)
            if name != "fix_verified" or one.question in known
        ]
        if rows:
            result[name] = Scored(
                items=tuple((float(right), 1.0) for right, _ in rows),
                clusters=tuple(cluster(example) for _, example in rows),
                questions=tuple(question_id(example) for _, example in rows),
            )
    return result


def tried(examples: Sequence[Example], tries: Sequence[Sequence[Proposal]], known: Container[str]) -> dict[str, Scored]:
    """Return the chance that one of all sampled tries verifies, an item a question; nothing without samples."""
    rows = [
        (at_least_one(len(tries), sum(bool(of[number].verified) for of in tries), len(tries)), example)
        for number, example in enumerate(examples)
        if tries and question_id(example) in known
    ]
    if not rows:
        return {}
    return {
        "fix_verified_k": Scored(
            items=tuple((chance, 1.0) for chance, _ in rows),
            clusters=tuple(cluster(example) for _, example in rows),
            questions=tuple(question_id(example) for _, example in rows),
        )
    }


def checks(made: Sequence[Proposal]) -> dict[str, Any]:
    """Return how many proposals failed at each check, and how many were verified or only proposed."""
    counts = Counter(one.check or ("verified" if one.verified else "proposed") for one in made)
    return dict(sorted(counts.items()))


def at_least_one(tries: int, right: int, k: int) -> float:
    """Return the chance that one of `k` drawn from `tries` is right (Chen et al. 2021, unbiased pass@k)."""
    if tries < k:
        raise ValueError(f"{k} can't be drawn from {tries}")
    return 1.0 - math.comb(tries - right, k) / math.comb(tries, k)


def _with(one: Proposal, verdict: Verdict) -> Proposal:
    if verdict.outcome is Outcome.UNVERIFIABLE:
        return one
    good = verdict.outcome is Outcome.VERIFIED and one.check is None
    failed = None if good else one.check or verdict.check or "not verified"
    return msgspec.structs.replace(one, check=failed, verified=good)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").split("\n")]
