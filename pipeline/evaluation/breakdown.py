"""The figures by domain and by CWE, the targets of each domain, and what was mistaken for what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.evaluation.baselines import expected
from pipeline.evaluation.measurement import Answer, question_id
from pipeline.evaluation.opening import Opening
from pipeline.evaluation.scores import cwe, precision, recall, score, verdict_f1
from pipeline.evaluation.statistics import Estimate, estimate, f1, ratio
from pipeline.records import Example, Record

TARGETS: dict[str, dict[str, float]] = {
    "sast": {"precision": 0.85, "recall": 0.75, "verdict_f1": 0.80, "cwe": 0.70},
    "sca": {"precision": 0.90, "recall": 0.80, "verdict_f1": 0.85},
    "iac": {"precision": 0.80, "recall": 0.70, "verdict_f1": 0.75},
    "container": {"precision": 0.85, "recall": 0.75, "verdict_f1": 0.80},
    "api": {"precision": 0.80, "recall": 0.70, "verdict_f1": 0.75},
    "dast": {"precision": 0.75, "recall": 0.65, "verdict_f1": 0.70},
}
SCORERS = {
    "cwe": (cwe, ratio),
    "precision": (precision, ratio),
    "recall": (recall, ratio),
    "verdict_f1": (verdict_f1, f1),
}
BINS = 10


class Target(Record):
    """One target of one domain: the figure a model reached, or that there was nothing to judge by.

    Precision, recall and F1 mean nothing without safe examples; such a target is "not measurable".
    """

    domain: str
    metric: str
    target: float
    reached: str
    estimate: Estimate


Openings = Mapping[str, Opening | None]


def by_group(
    examples: Sequence[Example], openings: Openings, group: Callable[[Example], str | None]
) -> dict[str, dict[str, Estimate]]:
    """Return the figures of SCORERS for each group of examples, by name."""
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        name = group(example)
        if name is not None:
            groups[name].append(example)
    return {name: _figures(members, openings) for name, members in sorted(groups.items())}


def by_domain(examples: Sequence[Example], openings: Openings) -> dict[str, dict[str, Estimate]]:
    """Return the figures by domain."""
    return by_group(examples, openings, lambda example: str(example.metadata.get("domain")))


def by_cwe(examples: Sequence[Example], openings: Openings) -> dict[str, dict[str, Estimate]]:
    """Return the figures by the expected CWE."""
    return by_group(examples, openings, lambda example: _name(expected(example).cwe))


def targets(examples: Sequence[Example], domains: Mapping[str, Mapping[str, Estimate]]) -> list[Target]:
    """Return every target with the figure beside it."""
    both = {
        domain: {expected(one).verdict for one in examples if str(one.metadata.get("domain")) == domain}
        >= {"safe", "vulnerable"}
        for domain in TARGETS
    }
    made = []
    for domain, wanted in TARGETS.items():
        for metric, target in wanted.items():
            found = domains.get(domain, {}).get(metric, Estimate(value=None))
            judged = found.value is not None and (metric == "cwe" or both[domain])
            reached = "not measurable" if not judged else "yes" if (found.value or 0.0) > target else "no"
            made.append(Target(domain=domain, metric=metric, target=target, reached=reached, estimate=found))
    return made


def confusion(examples: Sequence[Example], openings: Openings, most: int = 8) -> dict[str, Any]:
    """Return expected CWE against answered CWE: the most frequent ones, the rest together."""
    pairs = [
        (_name(expected(example).cwe), _given(openings[question_id(example)]))
        for example in examples
        if expected(example).cwe is not None
    ]
    frequent = [name for name, _ in Counter(str(wanted) for wanted, _ in pairs).most_common(most)]
    columns = [*frequent, "other", "none", "unreadable"]
    counts = Counter(
        (wanted if wanted in frequent else "other", given if given in columns else "other") for wanted, given in pairs
    )
    rows = [name for name in [*frequent, "other"] if any((name, column) in counts for column in columns)]
    return {"rows": rows, "columns": columns, "counts": [[counts[row, column] for column in columns] for row in rows]}


def reliability(examples: Sequence[Example], answers: Mapping[str, Answer], openings: Openings) -> dict[str, Any]:
    """Return how sure the model was of its CWE against how often it was right (Guo et al. 2017)."""
    rows = []
    for example in examples:
        name = question_id(example)
        sure, opening = answers[name].cwe, openings[name]
        if sure is not None and opening is not None and expected(example).cwe is not None:
            rows.append((min(sure, 1.0), float(opening.cwe == expected(example).cwe)))
    bins = []
    for number in range(BINS):
        inside = [row for row in rows if min(int(row[0] * BINS), BINS - 1) == number]
        if inside:
            sure, right = (sum(row[part] for row in inside) / len(inside) for part in (0, 1))
            bins.append({"sure": sure, "right": right, "items": len(inside)})
    error = sum(one["items"] * abs(one["sure"] - one["right"]) for one in bins) / len(rows) if rows else None
    return {"bins": bins, "error": error, "items": len(rows)}


def _figures(examples: Sequence[Example], openings: Openings) -> dict[str, Estimate]:
    made = {}
    for name, (scorer, statistic) in SCORERS.items():
        scored = score(scorer, examples, openings)
        if scored.items:
            made[name] = estimate(scored.items, scored.clusters, statistic)
    return made


def _name(cwe: int | None) -> str | None:
    return None if cwe is None else f"CWE-{cwe}"


def _given(opening: Opening | None) -> str:
    return "unreadable" if opening is None else _name(opening.cwe) or "none"
