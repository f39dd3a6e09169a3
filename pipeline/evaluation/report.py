"""The report: every model and baseline in one table, compared with the base, and what it all was measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.evaluation.baselines import baselines
from pipeline.evaluation.measurement import Loss, Question
from pipeline.evaluation.measuring import Measured
from pipeline.evaluation.opening import Opening, read_opening
from pipeline.evaluation.questions import HeldOut
from pipeline.evaluation.scores import ANALYSIS, Metric, Scored, cluster, score
from pipeline.evaluation.statistics import Comparison, Estimate, Statistic, compare, estimate, holm, judge, ratio
from pipeline.records import Example, Record

LOSSES = {
    kind: Metric(
        name=f"{kind}_loss",
        label=f"{kind} loss",
        explanation=f"nats a token of the {kind} answer",
        higher_is_better=False,
        percent=False,
    )
    for kind in ("analysis", "codefix")
}


class Row(Record):
    """One line of the table: a trained model, the base, or a trivial answer."""

    model: str
    role: str
    metrics: dict[str, Estimate]


class Report(Record):
    """What the evaluation found out. `comparisons` is model → metric → against the base."""

    held_out: int
    answers: int
    models: tuple[str, ...]
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    comparisons: dict[str, dict[str, Comparison]]
    loaded: dict[str, dict[str, Any]]
    counts: dict[str, Any]


class Contender(Record):
    """A row before it is summarised: its items by metric, so that it can be compared."""

    name: str
    role: str
    scored: dict[str, Scored]


STATISTICS: dict[str, Statistic] = {metric.name: statistic for metric, _, statistic in ANALYSIS} | {
    metric.name: ratio for metric in LOSSES.values()
}
METRICS: dict[str, Metric] = {metric.name: metric for metric in LOSSES.values()} | {
    metric.name: metric for metric, _, _ in ANALYSIS
}


def build(measured: Sequence[Measured], asked: Sequence[Question], held_out: HeldOut) -> Report:
    """Score everything and put it side by side."""
    examples = [question.example for question in asked if question.kind == "analysis"]
    contenders = [_model(one, examples, held_out) for one in measured]
    contenders += [
        Contender(name=name, role="trivial", scored=_analysis(examples, {id: answer(of) for id, of in _ids(examples)}))
        for name, answer in baselines(held_out.train["analysis"]).items()
    ]
    return Report(
        held_out=sum(len(of) for of in held_out.test.values()),
        answers=sum(len(one.answers) + sum(map(len, one.sampled.values())) for one in measured),
        models=tuple(one.name for one in measured),
        metrics=tuple(METRICS[name] for name in METRICS if any(name in one.scored for one in contenders)),
        rows=tuple(_row(one) for one in contenders),
        comparisons=_comparisons(contenders),
        loaded={one.name: {"base": one.loaded.base, "adapter": one.loaded.adapter} for one in measured},
        counts=_counts(examples, held_out),
    )


def _ids(examples: Sequence[Example]) -> list[tuple[str, Example]]:
    from pipeline.evaluation.measurement import question_id

    return [(question_id(example), example) for example in examples]


def _model(measured: Measured, examples: Sequence[Example], held_out: HeldOut) -> Contender:
    openings = {id: read_opening(measured.answers[id].text) for id, _ in _ids(examples)}
    losses = {
        LOSSES[kind].name: _losses(held_out.test[kind], of)
        for kind, of in measured.losses.items()
        if held_out.test[kind]
    }
    role = "base" if measured.name == "base" else "model"
    return Contender(name=measured.name, role=role, scored=losses | _analysis(examples, openings))


def _analysis(examples: Sequence[Example], openings: Mapping[str, Opening | None]) -> dict[str, Scored]:
    scored = {metric.name: score(scorer, examples, openings) for metric, scorer, _ in ANALYSIS}
    return {name: one for name, one in scored.items() if one.items}


def _losses(examples: Sequence[Example], losses: Mapping[str, Loss]) -> Scored:
    rows = [(id, cluster(example), losses[id]) for id, example in _ids(examples)]
    return Scored(
        items=tuple((loss.total, float(loss.tokens)) for _, _, loss in rows),
        clusters=tuple(name for _, name, _ in rows),
        questions=tuple(id for id, _, _ in rows),
    )


def _row(contender: Contender) -> Row:
    metrics = {name: estimate(one.items, one.clusters, STATISTICS[name]) for name, one in contender.scored.items()}
    return Row(model=contender.name, role=contender.role, metrics=metrics)


def _comparisons(contenders: Sequence[Contender]) -> dict[str, dict[str, Comparison]]:
    """Compare every trained model with the base on every metric; p is corrected over all of them."""
    base = next((one for one in contenders if one.role == "base"), None)
    if base is None:
        return {}
    made = [
        (one.name, metric, compare_contenders(one, base, metric))
        for one in contenders
        if one.role == "model"
        for metric in one.scored
        if metric in base.scored
    ]
    corrected = holm([comparison.p for _, _, comparison in made])
    result: dict[str, dict[str, Comparison]] = {}
    for (model, metric, comparison), adjusted in zip(made, corrected, strict=True):
        better = METRICS[metric].higher_is_better
        result.setdefault(model, {})[metric] = judge(comparison, adjusted, higher_is_better=better)
    return result


def compare_contenders(one: Contender, other: Contender, metric: str) -> Comparison:
    """Compare two contenders on one metric."""
    first, second = one.scored[metric], other.scored[metric]
    return compare(
        first.items,
        second.items,
        first.clusters,
        STATISTICS[metric],
        higher_is_better=METRICS[metric].higher_is_better,
    )


def _counts(examples: Sequence[Example], held_out: HeldOut) -> dict[str, Any]:
    return {
        "train": {kind: len(of) for kind, of in held_out.train.items()},
        "test": {kind: len(of) for kind, of in held_out.test.items()},
        "answered": len(examples),
        "test_clusters": len({cluster(example) for of in held_out.test.values() for example in of}),
    }
