"""Vulnerable and fixed code side by side: a model that can't tell the two apart knows nothing.

Pairwise correctness after PrimeVul (Ding et al. 2024, arXiv 2403.18624); recall at a fixed
false-positive rate, since a tool that cries wolf is switched off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from pipeline.evaluation.baselines import expected
from pipeline.evaluation.measurement import Answer, question_id
from pipeline.evaluation.opening import Opening
from pipeline.evaluation.scores import Scored, cluster
from pipeline.evaluation.statistics import CONFIDENCE, Estimate
from pipeline.records import Example

RATES = (0.01, 0.05, 0.1)
DRAWS = 400


def pairwise(examples: Sequence[Example], openings: Mapping[str, Opening | None]) -> Scored:
    """Return an item a pair: 1 when both the vulnerable and the fixed code were told right."""
    items, clusters, questions = [], [], []
    for vulnerable, safe in matched(examples):
        said = [_said(openings, one) for one in (vulnerable, safe)]
        items.append((float(said == ["vulnerable", "safe"]), 1.0))
        clusters.append(cluster(vulnerable))
        questions.append(question_id(vulnerable))
    return Scored(items=tuple(items), clusters=tuple(clusters), questions=tuple(questions))


def outcomes(examples: Sequence[Example], openings: Mapping[str, Opening | None]) -> dict[str, int]:
    """Return how pairs were told: correct, both vulnerable, both safe, reversed, or not readable."""
    names = {
        ("vulnerable", "safe"): "correct",
        ("vulnerable", "vulnerable"): "both vulnerable",
        ("safe", "safe"): "both safe",
        ("safe", "vulnerable"): "reversed",
    }
    counts = dict.fromkeys([*names.values(), "unreadable"], 0)
    for one, other in matched(examples):
        said = (_said(openings, one) or "", _said(openings, other) or "")
        counts[names.get(said, "unreadable")] += 1
    return counts


def matched(examples: Sequence[Example]) -> list[tuple[Example, Example]]:
    """Return the pairs (vulnerable, safe) among the examples, joined by their pair's name."""
    by_pair: dict[str, dict[str, Example]] = defaultdict(dict)
    for example in examples:
        verdict = expected(example).verdict
        if verdict is not None and example.metadata.get("pair") is not None:
            by_pair[str(example.metadata["pair"])].setdefault(verdict, example)
    return [(both["vulnerable"], both["safe"]) for _, both in sorted(by_pair.items()) if len(both) == 2]


def recall_at(rate: float, truths: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Return the recall where at most `rate` of the safe ones are flagged; None without both classes.

    A threshold flags what scores above it; ties with a safe example fall together with it.
    """
    safe = sorted((score for truth, score in zip(truths, scores, strict=True) if not truth), reverse=True)
    vulnerable = [score for truth, score in zip(truths, scores, strict=True) if truth]
    if not safe or not vulnerable:
        return None
    allowed = int(rate * len(safe) + 1e-9)
    threshold = safe[allowed] if allowed < len(safe) else float("-inf")
    return sum(score > threshold for score in vulnerable) / len(vulnerable)


def separation(truths: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Return the area under the ROC curve: how often a vulnerable one scores above a safe one; ties half."""
    vulnerable = numpy.array([score for truth, score in zip(truths, scores, strict=True) if truth])
    safe = numpy.array([score for truth, score in zip(truths, scores, strict=True) if not truth])
    if not len(vulnerable) or not len(safe):
        return None
    return float(((vulnerable[:, None] > safe).mean() + (vulnerable[:, None] >= safe).mean()) / 2)


def detection(examples: Sequence[Example], answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Return recall at each rate of RATES and the separation, with intervals; an answer without verdict scores 0."""
    judged = [example for example in examples if expected(example).verdict is not None]
    truths = [expected(example).verdict == "vulnerable" for example in judged]
    scores = [answers[question_id(example)].vulnerable or 0.0 for example in judged]
    clusters = [cluster(example) for example in judged]
    made = {f"recall at {rate:.0%}": _with_interval(_at(rate), truths, scores, clusters) for rate in RATES}
    return made | {"separation": _with_interval(separation, truths, scores, clusters)}


def _at(rate: float) -> Callable[[Sequence[bool], Sequence[float]], float | None]:
    return lambda truths, scores: recall_at(rate, truths, scores)


def _with_interval(
    figure: Callable[[Sequence[bool], Sequence[float]], float | None],
    truths: Sequence[bool],
    scores: Sequence[float],
    clusters: Sequence[str],
) -> Estimate:
    value = figure(truths, scores)
    members: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(clusters):
        members[name].append(index)
    if value is None or len(members) < 2:
        return Estimate(value=value, items=len(truths), clusters=len(members))
    random, names, drawn = numpy.random.default_rng(20250917), sorted(members), []
    for _ in range(DRAWS):
        chosen = [i for name in random.choice(len(names), len(names)) for i in members[names[name]]]
        again = figure([truths[i] for i in chosen], [scores[i] for i in chosen])
        drawn += [again] if again is not None else []
    tail = (1 - CONFIDENCE) / 2
    bounds = [float(bound) for bound in numpy.quantile(drawn, [tail, 1 - tail])] if drawn else []
    low, high = bounds if len(set(bounds)) > 1 else (None, None)  # always the same again is no certainty
    return Estimate(value=value, low=low, high=high, items=len(truths), clusters=len(members))


def _said(openings: Mapping[str, Opening | None], example: Example) -> str | None:
    opening = openings.get(question_id(example))
    return opening.verdict if opening else None
