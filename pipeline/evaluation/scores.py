"""What an analysis answer is worth: each metric as sums an item adds to, so that intervals can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.evaluation.baselines import expected
from pipeline.evaluation.cwe import related
from pipeline.evaluation.measurement import question_id
from pipeline.evaluation.opening import Opening
from pipeline.evaluation.statistics import Estimate, Statistic, estimate, f1, ratio
from pipeline.records import Example, Record

Items = list[tuple[float, ...]]
Openings = Mapping[str, Opening | None]


class Metric(Record):
    """A metric: what it is called, what it says, and whether more of it is better."""

    name: str
    label: str
    explanation: str
    higher_is_better: bool = True
    percent: bool = True


class Scored(Record):
    """One model's items for one metric: the sums each item adds, and the cluster it is in."""

    items: tuple[tuple[float, ...], ...]
    clusters: tuple[str, ...]
    questions: tuple[str, ...]


Scorer = Callable[[Example, Opening | None], tuple[float, ...] | None]


def cwe(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count the exact CWE, among examples that have one."""
    wanted = expected(example).cwe
    return None if wanted is None else (float(answer is not None and answer.cwe == wanted), 1.0)


def cwe_related(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count the CWE, its parent or its child."""
    wanted = expected(example).cwe
    if wanted is None:
        return None
    given = answer.cwe if answer else None
    return (float(given is not None and related(given, wanted)), 1.0)


def severity(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count the severity, among vulnerable examples that have one."""
    wanted = expected(example)
    if wanted.verdict != "vulnerable" or wanted.severity is None:
        return None
    return (float(answer is not None and answer.severity == wanted.severity), 1.0)


def verdict(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count the verdict vulnerable or safe, among examples that have one."""
    wanted = expected(example).verdict
    return None if wanted is None else (float(answer is not None and answer.verdict == wanted), 1.0)


def verdict_f1(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count true positives, false positives, false negatives of "vulnerable"; no answer is a miss."""
    wanted = expected(example).verdict
    if wanted is None:
        return None
    truth = wanted == "vulnerable"
    said = answer is not None and answer.verdict == "vulnerable"
    return (float(truth and said), float(said and not truth), float(truth and not said))


def precision(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count right ones among answers that say "vulnerable"."""
    counted = verdict_f1(example, answer)
    return None if counted is None else (counted[0], counted[0] + counted[1])


def recall(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count vulnerable examples called so."""
    counted = verdict_f1(example, answer)
    return None if counted is None else (counted[0], counted[0] + counted[2])


def false_positives(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count safe examples called vulnerable."""
    if expected(example).verdict != "safe":
        return None
    return (float(answer is not None and answer.verdict == "vulnerable"), 1.0)


def lines(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Return the overlap of the lines named with the flagged ones: |A ∩ B| / |A ∪ B|."""
    wanted = expected(example).lines
    if wanted is None:
        return None
    return (overlap(wanted, answer.lines) if answer and answer.lines else 0.0, 1.0)


def overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return the overlap of two line ranges, both ends included."""
    shared = min(one[1], other[1]) - max(one[0], other[0]) + 1
    total = max(one[1], other[1]) - min(one[0], other[0]) + 1
    return max(0, shared) / total if shared > 0 else 0.0


def unparsable(example: Example, answer: Opening | None) -> tuple[float, ...] | None:
    """Count answers without a readable opening object."""
    return (float(answer is None), 1.0)


ANALYSIS: tuple[tuple[Metric, Scorer, Statistic], ...] = (
    (Metric(name="cwe", label="CWE", explanation="the exact CWE, among examples that have one"), cwe, ratio),
    (Metric(name="cwe_related", label="CWE ±1", explanation="the CWE, its parent or child"), cwe_related, ratio),
    (Metric(name="severity", label="severity", explanation="the finding's severity"), severity, ratio),
    (Metric(name="verdict", label="verdict", explanation="vulnerable or safe"), verdict, ratio),
    (Metric(name="verdict_f1", label="F1", explanation="F1 of the verdict vulnerable"), verdict_f1, f1),
    (Metric(name="precision", label="precision", explanation="right among answers vulnerable"), precision, ratio),
    (Metric(name="recall", label="recall", explanation="vulnerable examples called so"), recall, ratio),
    (
        Metric(
            name="false_positives",
            label="false positives",
            explanation="safe examples called vulnerable",
            higher_is_better=False,
        ),
        false_positives,
        ratio,
    ),
    (Metric(name="lines", label="lines", explanation="overlap with the flagged lines"), lines, ratio),
    (
        Metric(
            name="unparsable",
            label="unparsable",
            explanation="answers without a readable opening",
            higher_is_better=False,
        ),
        unparsable,
        ratio,
    ),
)


def score(scorer: Scorer, examples: Sequence[Example], openings: Openings) -> Scored:
    """Return the items of one metric, in the examples' order; what it doesn't apply to is left out."""
    rows = [(example, scorer(example, openings[question_id(example)])) for example in examples]
    kept = [(example, item) for example, item in rows if item is not None]
    return Scored(
        items=tuple(item for _, item in kept),
        clusters=tuple(cluster(example) for example, _ in kept),
        questions=tuple(question_id(example) for example, _ in kept),
    )


def summarise(scored: Scored, statistic: Statistic) -> Estimate:
    """Return the metric with its interval."""
    return estimate(scored.items, scored.clusters, statistic)


def cluster(example: Example) -> str:
    """Return the cluster an example was split by."""
    return str(example.metadata.get("cluster") or example.metadata.get("path") or question_id(example))
