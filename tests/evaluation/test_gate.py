"""Each rule of the gate at its very threshold, one step past it, and without its figure."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.settings import Gate as Policy
from pipeline.evaluation.gate import decide
from pipeline.evaluation.report import Report
from pipeline.evaluation.statistics import Estimate
from pipeline.evaluation.verdict import Rule
from tests.evaluation import fabricated

LIMITS = {
    "false_positives": ("false positives", "max_false_positives"),
    "unparsable": ("unparsable", "max_unparsable"),
    "unfaithful": ("unfaithful", "max_unfaithful"),
}


@pytest.fixture(scope="module")
def made() -> bytes:
    data = fabricated.held_out()
    models = [
        fabricated.model("base", data, 0.1, loss=2.0),
        fabricated.model("stage-1", data, 1.0, loss=0.6),
        fabricated.model("stage-2", data, 1.0, loss=0.5),
    ]
    return msgspec.json.encode(fabricated.report(data, models))


@pytest.fixture
def report(made: bytes) -> Report:
    """Return a report whose stage 1 and stage 2 pass; each test has its own."""
    return msgspec.json.decode(made, type=Report)


def estimate(report: Report, model: str, metric: str, value: float | None) -> None:
    row = next(row for row in report.rows if row.model == model)
    row.metrics[metric] = Estimate(value=value)


def judged(report: Report, number: int = 0, **policy: Any) -> tuple[bool, dict[str, Rule]]:
    one = decide(report, Policy(**policy)).judgements[number]
    return one.better, {rule.name: rule for rule in one.rules}


def test_the_report_of_these_tests_passes_with_every_figure_measured(report: Report) -> None:
    for number in (0, 1):
        assert judged(report, number)[0], judged(report, number)[1]


@pytest.mark.parametrize("metric", LIMITS)
@pytest.mark.parametrize(("value", "passed"), [(0.3, True), (0.1 + 0.2, True), (0.31, False), (None, False)])
def test_a_share_at_its_limit_passes_and_an_unknown_one_does_not(
    report: Report, metric: str, value: float | None, passed: bool
) -> None:
    name, setting = LIMITS[metric]
    estimate(report, "stage-1", metric, value)
    better, rules = judged(report, **{setting: 0.3})
    assert (better, rules[name].passed) == (passed, passed)


@pytest.mark.parametrize("metric", LIMITS)
def test_a_limit_that_allows_everything_needs_no_figure(report: Report, metric: str) -> None:
    name, setting = LIMITS[metric]
    estimate(report, "stage-1", metric, None)
    better, rules = judged(report, **{setting: 1.0})
    assert (better, rules[name].passed) == (True, None)


@pytest.mark.parametrize(
    ("detail", "value", "rule", "passed"),
    [
        ("fused", 0.9, "fusing", True),
        ("fused", 0.89, "fusing", False),
        ("fused", None, "fusing", False),
        ("secrets", 0, "secrets", True),
        ("secrets", 1, "secrets", False),
        ("secrets", None, "secrets", False),
        ("exposure", 4.0, "canaries", True),
        ("exposure", 4.01, "canaries", False),
        ("exposure", None, "canaries", None),
    ],
)
@pytest.mark.parametrize("number", [0, 1])
def test_fusing_secrets_and_canaries_at_their_limits(
    report: Report, detail: str, value: float | None, rule: str, passed: bool | None, number: int
) -> None:
    report.details[f"stage-{number + 1}"][detail] = value
    better, rules = judged(report, number)
    assert (better, rules[rule].passed) == (passed is not False, passed)


def test_a_report_without_any_details_passes_nothing(report: Report) -> None:
    report.details.clear()
    assert not any(judged(report, number)[0] for number in (0, 1))


@pytest.mark.parametrize(
    ("metric", "before", "after", "passed"),
    [
        ("cwe", 0.80, 0.75, True),
        ("cwe", 0.80, 0.74, False),
        ("cwe", None, 0.8, False),
        ("cwe", 0.8, None, False),
        ("analysis_loss", 1.0, 1.05, True),
        ("analysis_loss", 1.0, 1.051, False),
        ("analysis_loss", 0.0, 0.1, False),
    ],
)
def test_what_stage_2_may_lose_at_its_budget(
    report: Report, metric: str, before: float | None, after: float | None, passed: bool
) -> None:
    estimate(report, "stage-1", metric, before)
    estimate(report, "stage-2", metric, after)
    better, rules = judged(report, 1, analysis_metric=metric)
    assert (better, rules["remembers stage 1"].passed) == (passed, passed)


@pytest.mark.parametrize("against", ["base", "constant answer"])
@pytest.mark.parametrize(
    ("change", "passed"),
    [({}, True), ({"p": 0.05}, False), ({"low": 0.0}, False), ({"low": None, "high": None}, False),
     ({"difference": -0.1, "low": -0.2, "high": -0.01}, False), ({"difference": 0.0, "low": 0.0, "high": 0.0}, False)],
)  # fmt: skip
def test_only_a_difference_beyond_chance_is_better(
    report: Report, against: str, change: dict[str, Any], passed: bool
) -> None:
    of = report.comparisons["stage-1"][against]
    sure = msgspec.structs.replace(of["cwe"], difference=0.1, low=0.01, high=0.2, p=0.049, adjusted=0.9)
    of["cwe"] = msgspec.structs.replace(sure, **change)
    assert judged(report)[0] is passed


def test_without_a_comparison_there_is_no_winner(report: Report) -> None:
    report.comparisons["stage-1"].clear()
    better, rules = judged(report)
    assert not better and "wasn't measured for both" in rules["better"].sentence


def test_the_same_report_and_policy_give_the_same_verdict(report: Report) -> None:
    before = msgspec.json.encode(report)
    assert decide(report, Policy()) == decide(report, Policy())
    assert msgspec.json.encode(report) == before
