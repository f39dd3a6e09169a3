"""The trivial answers every model stands beside: what knows nothing of the code must be beaten."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from pipeline.evaluation.neighbours import neighbour
from pipeline.evaluation.opening import Opening, read_opening
from pipeline.records import Example

Answerer = Callable[[Example], Opening | None]
Fixer = Callable[[Example], str]
_CWE = re.compile(r"CWE-(\d{1,5})")


class Baselines(msgspec.Struct, frozen=True):
    """The trivial answers by name: what opens an analysis answer, and the replacement for a fix."""

    analysis: dict[str, Answerer]
    codefix: dict[str, Fixer]


def expected(example: Example) -> Opening:
    """Return what an analysis example's own answer opens with."""
    return read_opening(example.messages[-1].content) or Opening()


def baselines(train: Mapping[str, Sequence[Example]]) -> Baselines:
    """Return the trivial answers, fitted to the training examples of each kind."""
    findings, fixes = train.get("analysis", ()), train.get("codefix", ())
    near, near_fix = neighbour(findings), neighbour(fixes)
    return Baselines(
        analysis={
            "constant answer": constant(findings),
            "copy of the input": copy,
            "most frequent per rule": per_rule(findings),
            "nearest neighbour": lambda example: _opening(near(example)),
        },
        codefix={
            "constant answer": constant_fix(fixes),
            "no-op": lambda example: str(example.metadata.get("before") or ""),
            "most frequent per rule": fix_per_rule(fixes),
            "nearest neighbour": lambda example: _answer(near_fix(example)),
        },
    )


def constant(train: Sequence[Example]) -> Answerer:
    """Return the answer made of each field's most frequent value in train, lines aside."""
    answer = _most_frequent([expected(example) for example in train])
    return lambda example: answer


def per_rule(train: Sequence[Example]) -> Answerer:
    """Return the most frequent answer of train among examples of the same rule; the constant for new rules."""
    by_rule: dict[str, list[Opening]] = defaultdict(list)
    for example in train:
        by_rule[str(example.metadata.get("rule"))].append(expected(example))
    answers = {rule: _most_frequent(openings) for rule, openings in by_rule.items()}
    fallback = _most_frequent([expected(example) for example in train])
    return lambda example: answers.get(str(example.metadata.get("rule")), fallback)


def copy(example: Example) -> Opening | None:
    """Return the first CWE and the severity word that stand in the prompt itself; None without a CWE."""
    prompt = example.messages[-2].content
    found = _CWE.search(prompt)
    if found is None:
        return None
    severity = re.search(r"\b(critical|high|medium|low|info)\b", prompt, re.IGNORECASE)
    return Opening(
        cwe=int(found.group(1)),
        severity=severity.group(1).lower() if severity else None,
        verdict="vulnerable",
    )


def constant_fix(train: Sequence[Example]) -> Fixer:
    """Return the replacement seen most often in train."""
    answer = _commonest([example.messages[-1].content for example in train])
    return lambda example: answer


def fix_per_rule(train: Sequence[Example]) -> Fixer:
    """Return the replacement seen most often in train for the same rule; nothing for new rules."""
    by_rule: dict[str, list[str]] = defaultdict(list)
    for example in train:
        by_rule[str(example.metadata.get("rule"))].append(example.messages[-1].content)
    return lambda example: _commonest(by_rule.get(str(example.metadata.get("rule")), []))


def _commonest(texts: Sequence[str]) -> str:
    counts = Counter(texts)
    return min(counts, key=lambda text: (-counts[text], text)) if counts else ""


def _opening(example: Example | None) -> Opening | None:
    return expected(example) if example is not None else None


def _answer(example: Example | None) -> str:
    return example.messages[-1].content if example is not None else ""


def _most_frequent(openings: Sequence[Opening]) -> Opening:
    def top(values: list[object]) -> object:
        counts = Counter(value for value in values if value is not None)
        return min(counts, key=lambda value: (-counts[value], str(value))) if counts else None

    return Opening(
        cwe=top([one.cwe for one in openings]),  # type: ignore[arg-type]
        severity=top([one.severity for one in openings]),  # type: ignore[arg-type]
        verdict=top([one.verdict for one in openings]),  # type: ignore[arg-type]
        fix_kind=top([one.fix_kind for one in openings]),  # type: ignore[arg-type]
    )
