"""The worst answers, to be read side by side with the right ones: where to look first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.evaluation.baselines import expected
from pipeline.evaluation.fixes import Proposal
from pipeline.evaluation.measurement import question_id
from pipeline.evaluation.measuring import Measured
from pipeline.evaluation.opening import Opening
from pipeline.records import Example

MOST = 6
LENGTH = 1600


def worst(
    measured: Measured,
    findings: Sequence[Example],
    openings: Mapping[str, Opening | None],
    fixed: Sequence[Example],
    proposals: Sequence[Proposal],
) -> list[dict[str, Any]]:
    """Return the analysis answers with most fields wrong, then the fixes furthest from any good."""
    ranked = sorted(findings, key=lambda example: (-_wrong(example, openings), question_id(example)))
    answers = [
        _shown(example, measured.answers[question_id(example)].text, f"{_wrong(example, openings)} of 4 fields wrong")
        for example in ranked[:MOST]
        if _wrong(example, openings)
    ]
    bad = [(example, one) for example, one in zip(fixed, proposals, strict=True) if not (one.verified or one.exact)]
    return answers + [
        _shown(example, one.text, one.check or "differs from the known fix") for example, one in bad[:MOST]
    ]


def _wrong(example: Example, openings: Mapping[str, Opening | None]) -> int:
    given, wanted = openings[question_id(example)], expected(example)
    if given is None:
        return 4
    return sum(getattr(given, name) != getattr(wanted, name) for name in ("cwe", "severity", "verdict", "lines"))


def _shown(example: Example, answer: str, why: str) -> dict[str, Any]:
    return {
        "question": question_id(example),
        "kind": str(example.metadata.get("kind")),
        "rule": str(example.metadata.get("rule")),
        "place": str(example.metadata.get("path") or example.metadata.get("place") or ""),
        "prompt": example.messages[-2].content[:LENGTH],
        "expected": example.messages[-1].content[:LENGTH],
        "answer": answer[:LENGTH],
        "why": why,
    }
