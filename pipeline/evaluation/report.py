"""The report: every model and trivial answer in one table, compared with the base, and all the details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pipeline.evaluation import breakdown, fixes, pairs, scanners
from pipeline.evaluation.baselines import Baselines, baselines
from pipeline.evaluation.faithfulness import secrets, unsupported
from pipeline.evaluation.measurement import Answer, Loss, Question, question_id
from pipeline.evaluation.measuring import Measured
from pipeline.evaluation.metrics import LOSSES, METRICS, STATISTICS
from pipeline.evaluation.opening import Opening, read_opening
from pipeline.evaluation.proposing import Asked, Proposals, Verify, propose_all
from pipeline.evaluation.questions import HeldOut
from pipeline.evaluation.scanners import ScannerRow
from pipeline.evaluation.scores import ANALYSIS, Metric, Scored, cluster, score
from pipeline.evaluation.statistics import Comparison, Estimate, compare, estimate, figure, holm, judge
from pipeline.evaluation.worst import worst
from pipeline.records import Example, Record

BASE = "base"


class Row(Record):
    """One line of the table: a trained model, the champion, the base, a trivial answer, or a scanner."""

    model: str
    role: str
    metrics: dict[str, Estimate]


class Report(Record):
    """What the evaluation found out. `comparisons` is model → other model → metric.

    `details` holds, by model, what the page shows: by domain and CWE, confusion, reliability,
    pairs, run time, failed checks, worst answers.
    """

    held_out: int
    answers: int
    models: tuple[str, ...]
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    comparisons: dict[str, dict[str, dict[str, Comparison]]]
    details: dict[str, Any]
    binding: dict[str, Any]
    counts: dict[str, Any]
    curves: dict[str, Any]
    scanners: tuple[ScannerRow, ...] = ()


class Contender(Record):
    """A row before it is summarised: its items by metric, so that it can be compared."""

    name: str
    role: str
    scored: dict[str, Scored]
    tokenizer: str | None = None


def build(
    measured: Sequence[Measured],
    asked: Sequence[Question],
    held_out: HeldOut,
    *,
    binding: Mapping[str, Any],
    curves: Mapping[str, Any],
    verify: Verify | None = None,
) -> Report:
    """Score everything and put it side by side."""
    examples = of_questions(asked)
    known = baselines(held_out.train)
    proposals = propose_all(measured, examples, known, verify)
    certain = proposals.certain()
    contenders = [scored(one, examples, held_out, proposals) for one in measured]
    contenders += _trivial(examples, known, proposals, certain)
    contest = scanners.contest(examples.analysis, [one for of in held_out.both("analysis") for one in of])
    contenders += [_scanner(name, contest) for name in contest.examples]
    return Report(
        held_out=sum(len(of) for of in held_out.test.values()),
        answers=sum(len(one.answers) + sum(map(len, one.sampled.values())) for one in measured),
        models=tuple(one.name for one in measured),
        metrics=tuple(METRICS[name] for name in METRICS if any(name in one.scored for one in contenders)),
        rows=tuple(_row(one) for one in contenders),
        comparisons=compared(contenders),
        scanners=scanners.rows(contest, {one.name: openings(one, examples) for one in measured}),
        details={one.name: details(one, examples, proposals.greedy[one.name]) for one in measured},
        binding=dict(binding),
        counts=_counts(examples, held_out),
        curves=dict(curves),
    )


def of_questions(asked: Sequence[Question]) -> Asked:
    """Return the examples that were answered."""
    return Asked(
        analysis=tuple(question.example for question in asked if question.kind == "analysis"),
        codefix=tuple(question.example for question in asked if question.kind == "codefix"),
        whole=frozenset(question.id for question in asked if question.whole and question.kind == "analysis"),
    )


def role(name: str) -> str:
    """Return what part a measured model plays in the table."""
    return BASE if name == BASE else "champion" if name.startswith("champion") else "model"


def scored(measured: Measured, asked: Asked, held_out: HeldOut, proposals: Proposals) -> Contender:
    """Return one model's items by metric."""
    losses = {
        LOSSES[kind].name: _losses(held_out.test[kind], of)
        for kind, of in measured.losses.items()
        if held_out.test.get(kind)
    }
    items = losses | _analysis(asked.analysis, openings(measured, asked)) | _faithfulness(measured, asked)
    items |= fixes.scored(asked.codefix, proposals.greedy[measured.name], proposals.certain())
    items |= fixes.tried(asked.codefix, proposals.sampled.get(measured.name, ()), proposals.certain())
    tokenizer = measured.loaded.base.get("tokenizer.json")
    return Contender(name=measured.name, role=role(measured.name), scored=items, tokenizer=tokenizer)


def _trivial(asked: Asked, known: Baselines, proposals: Proposals, certain: frozenset[str]) -> list[Contender]:
    made = []
    for name in dict.fromkeys([*known.analysis, *known.codefix]):
        scored: dict[str, Scored] = {}
        if name in known.analysis and asked.analysis:
            answers = {question_id(example): known.analysis[name](example) for example in asked.analysis}
            scored |= _analysis(asked.analysis, answers)
        if name in known.codefix and asked.codefix:
            scored |= fixes.scored(asked.codefix, proposals.greedy[name], certain)
        made.append(Contender(name=name, role="trivial", scored=scored))
    return made


def _scanner(name: str, contest: scanners.Contest) -> Contender:
    """Return a scanner as a row: its recall, on labels that come from others."""
    return Contender(name=f"{scanners.PREFIX}{name}", role="scanner", scored={"recall": contest.recall(name)})


def openings(measured: Measured, asked: Asked) -> dict[str, Opening | None]:
    """Return what a model's analysis answers open with, by question."""
    names = [question_id(example) for example in asked.analysis]
    return {name: read_opening(measured.answers[name].text) for name in names}


def _analysis(examples: Sequence[Example], answers: Mapping[str, Opening | None]) -> dict[str, Scored]:
    scored = {metric.name: score(scorer, examples, answers) for metric, scorer, _ in ANALYSIS}
    scored["pairs"] = pairs.pairwise(examples, answers)
    return {name: one for name, one in scored.items() if one.items}


def _faithfulness(measured: Measured, asked: Asked) -> dict[str, Scored]:
    examples = [example for example in asked.analysis if question_id(example) in asked.whole]
    if not examples:
        return {}
    strange = [
        unsupported(measured.answers[question_id(example)].text, example.messages[-2].content) for example in examples
    ]
    items = tuple((float(bool(found)), 1.0) for found in strange)
    clusters, questions = tuple(map(cluster, examples)), tuple(map(question_id, examples))
    return {"unfaithful": Scored(items=items, clusters=clusters, questions=questions)}


def _losses(examples: Sequence[Example], losses: Mapping[str, Loss]) -> Scored:
    known = [(question_id(example), cluster(example)) for example in examples]
    return Scored(
        items=tuple((losses[name].total, float(losses[name].tokens)) for name, _ in known),
        clusters=tuple(of for _, of in known),
        questions=tuple(name for name, _ in known),
    )


def _row(contender: Contender) -> Row:
    metrics = {name: estimate(one.items, one.clusters, STATISTICS[name]) for name, one in contender.scored.items()}
    return Row(model=contender.name, role=contender.role, metrics=metrics)


def compared(contenders: Sequence[Contender]) -> dict[str, dict[str, dict[str, Comparison]]]:
    """Compare every trained model with every other contender; p is corrected over each model's metrics."""
    result: dict[str, dict[str, dict[str, Comparison]]] = {}
    for one in contenders:
        for other in contenders:
            if one.role == "model" and one is not other:
                result.setdefault(one.name, {})[other.name] = _against(one, other)
    return result


def _against(one: Contender, other: Contender) -> dict[str, Comparison]:
    found = {
        metric: _compared(one.scored[metric], other.scored[metric], metric)
        for metric in one.scored
        if metric in other.scored and _comparable(one, other, metric)
    }
    made = {metric: comparison for metric, comparison in found.items() if comparison is not None}
    corrected = holm([comparison.p for comparison in made.values()])
    return {
        metric: judge(comparison, adjusted, higher_is_better=METRICS[metric].higher_is_better)
        for (metric, comparison), adjusted in zip(made.items(), corrected, strict=True)
    }


def _comparable(one: Contender, other: Contender, metric: str) -> bool:
    """Losses a token say nothing across tokenizers."""
    of_loss = metric in {loss.name for loss in LOSSES.values()}
    return not of_loss or one.tokenizer == other.tokenizer


def _compared(one: Scored, other: Scored, metric: str) -> Comparison | None:
    """Compare on the questions both were asked: a scanner isn't asked all. None where either has no figure there."""
    theirs = dict(zip(other.questions, other.items, strict=True))
    rows = [row for row in zip(one.questions, one.items, one.clusters, strict=True) if row[0] in theirs]
    first, second = [item for _, item, _ in rows], [theirs[name] for name, _, _ in rows]
    clusters, statistic = [cluster for _, _, cluster in rows], STATISTICS[metric]
    if figure(first, statistic) is None or figure(second, statistic) is None:
        return None
    return compare(first, second, clusters, statistic, higher_is_better=METRICS[metric].higher_is_better)


def details(measured: Measured, asked: Asked, made: Sequence[fixes.Proposal]) -> dict[str, Any]:
    """Return what the page shows of one model beside its row."""
    given = openings(measured, asked)
    domains = breakdown.by_domain(asked.analysis, given)
    found = {
        "domains": domains,
        "cwes": breakdown.by_cwe(asked.analysis, given),
        "targets": breakdown.targets(asked.analysis, domains),
        "confusion": breakdown.confusion(asked.analysis, given),
        "reliability": breakdown.reliability(asked.analysis, measured.answers, given),
        "pairs": pairs.outcomes(asked.analysis, given),
        "detection": pairs.detection(asked.analysis, measured.answers),
        "checks": fixes.checks(made),
        "samples": _samples(measured, asked),
        "run_time": run_time(list(measured.answers.values())),
        "fused": measured.loaded.fused,
        "secrets": sum(secrets(answer.text) for answer in _all_answers(measured)),
        "worst": worst(measured, asked.analysis, given, asked.codefix, made),
    }
    return dict(msgspec.to_builtins(found))


def _all_answers(measured: Measured) -> list[Answer]:
    return [answer for of in (measured.answers, *measured.sampled.values()) for answer in of.values()]


def _samples(measured: Measured, asked: Asked) -> dict[str, Any]:
    """Return each seed's CWE figure: how much sampling alone moves it."""
    made = {}
    for seed, answers in measured.sampled.items():
        examples = [example for example in asked.analysis if question_id(example) in answers]
        given = {name: read_opening(answer.text) for name, answer in answers.items()}
        scored = {metric.name: score(scorer, examples, given) for metric, scorer, _ in ANALYSIS}
        made[str(seed)] = {
            name: estimate(one.items, one.clusters, STATISTICS[name]).value for name, one in scored.items() if one.items
        }
    return made


def run_time(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return seconds an answer took (each one's own, batches overlap), tokens, and why answers ended."""
    if not answers:
        return {}
    seconds = sorted(answer.seconds for answer in answers)
    endings: dict[str, int] = {}
    for answer in answers:
        endings[answer.ending] = endings.get(answer.ending, 0) + 1
    return {
        "seconds": [seconds[int(share * (len(seconds) - 1))] for share in (0.0, 0.25, 0.5, 0.75, 1.0)],
        "tokens": sum(answer.tokens for answer in answers),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "answers": len(answers),
        "endings": dict(sorted(endings.items())),
    }


def _counts(asked: Asked, held_out: HeldOut) -> dict[str, Any]:
    return {
        "train": {kind: len(of) for kind, of in held_out.train.items()},
        "test": {kind: len(of) for kind, of in held_out.test.items()},
        "answered": len(asked.analysis),
        "explained": len(asked.whole),
        "fixes": len(asked.codefix),
        "clustered": all(example.metadata.get("cluster") for of in held_out.test.values() for example in of),
        "test_clusters": len({cluster(example) for of in held_out.test.values() for example in of}),
    }


def encode(report: Report) -> bytes:
    """Return the report as indented JSON with sorted keys: equal reports are equal bytes."""
    return msgspec.json.format(msgspec.json.encode(report, order="sorted")) + b"\n"
