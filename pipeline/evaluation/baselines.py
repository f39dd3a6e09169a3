"""The trivial answers every model stands beside: what knows nothing of the code must be beaten."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from pipeline.evaluation.opening import Opening, read_opening
from pipeline.records import Example

Baseline = Callable[[Example], Opening | None]
_CWE = re.compile(r"CWE-(\d{1,5})")


def expected(example: Example) -> Opening:
    """Return what an analysis example's own answer opens with."""
    return read_opening(example.messages[-1].content) or Opening()


def baselines(train: Sequence[Example]) -> dict[str, Baseline]:
    """Return the baselines by name, fitted to the training examples."""
    return {
        "constant answer": constant(train),
        "copy of the input": copy,
        "most frequent per rule": per_rule(train),
    }


def constant(train: Sequence[Example]) -> Baseline:
    """Return the answer made of each field's most frequent value in train, lines aside."""
    answer = _most_frequent([expected(example) for example in train])
    return lambda example: answer


def per_rule(train: Sequence[Example]) -> Baseline:
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
