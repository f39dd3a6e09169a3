"""Intervals and tests agree with scipy, and say nothing where nothing differs."""

from __future__ import annotations

import itertools
import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import Error
from pipeline.evaluation import statistics

stats = pytest.importorskip("scipy.stats")
HALVES = [[1.0, 1.0], [0.0, 1.0]]


def names(count: int) -> list[str]:
    return [f"c{number:03}" for number in range(count)]


@pytest.mark.parametrize(("one", "other"), [(0, 0), (3, 0), (7, 2), (1, 1), (40, 21), (5, 30)])
def test_mcnemar_is_scipys_exact_binomial_test(one: int, other: int) -> None:
    expected = stats.binomtest(one, one + other, 0.5).pvalue if one + other else 1.0
    assert statistics.mcnemar(one, other) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=11))
@settings(max_examples=25, deadline=None)
def test_randomisation_is_scipys_exact_permutation_test(pairs: list[tuple[bool, bool]]) -> None:
    first = numpy.array([[float(a), 1.0] for a, _ in pairs])
    second = numpy.array([[float(b), 1.0] for _, b in pairs])
    expected = stats.permutation_test(
        (first[:, 0], second[:, 0]),
        lambda x, y, axis: numpy.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=numpy.inf,
    )
    assert statistics.randomisation(first, second) == pytest.approx(min(1.0, expected.pvalue), abs=1e-9)


def test_bootstrap_interval_is_near_scipys() -> None:
    drawn = numpy.random.default_rng(3)
    values = drawn.random(60)
    made = statistics.estimate([[value, 1.0] for value in values], names(60))
    known = stats.bootstrap((values,), numpy.mean, method="percentile", n_resamples=4000, rng=drawn).confidence_interval
    assert made.low == pytest.approx(known.low, abs=0.01)
    assert made.high == pytest.approx(known.high, abs=0.01)


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (3, 17)])
def test_wilson_is_scipys(right: int, count: int) -> None:
    known = stats.binomtest(right, count).proportion_ci(method="wilson")
    assert statistics.wilson(right / count, count) == pytest.approx((known.low, known.high), abs=1e-6)


def test_holm_against_figures_worked_out_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert statistics.holm([]) == ()


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_makes_a_p_smaller_and_keeps_their_order(values: list[float]) -> None:
    adjusted = statistics.holm(values)
    assert all(after >= before or math.isclose(after, before) for after, before in zip(adjusted, values, strict=True))
    ranked = sorted(range(len(values)), key=lambda index: values[index])
    assert all(adjusted[a] <= adjusted[b] for a, b in itertools.pairwise(ranked))


def test_clusters_widen_the_interval_that_rows_would_make_too_narrow() -> None:
    items = [[float(number % 20 < 10), 1.0] for number in range(200)]
    rows = statistics.estimate(items, names(200))
    clusters = statistics.estimate(items, [f"c{number % 20}" for number in range(200)])
    assert rows.low is not None and rows.high is not None and clusters.low is not None and clusters.high is not None
    assert clusters.high - clusters.low > 2 * (rows.high - rows.low)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    drawn = numpy.random.default_rng(1)
    inside = 0
    for _ in range(200):
        made = statistics.estimate([[float(value < 0.4), 1.0] for value in drawn.random(80)], names(80))
        inside += bool(made.low is not None and made.high is not None and made.low <= 0.4 <= made.high)
    assert 0.9 <= inside / 200 <= 0.99


def test_zero_of_ten_is_not_certain_to_be_zero() -> None:
    made = statistics.estimate([[0.0, 1.0]] * 10, names(10))
    assert made.value == 0.0 and made.low == 0.0
    assert made.high == pytest.approx(0.2775, abs=1e-3)


@pytest.mark.parametrize("items", [HALVES * 10, [[1.0, 1.0]] * 20, [[0.0, 1.0]] * 20])
def test_ties_and_constant_input_are_no_difference(items: list[list[float]]) -> None:
    made = statistics.compare(items, items, names(20))
    assert (made.verdict, made.p, made.mcnemar, made.difference) == ("no difference", 1.0, 1.0, 0.0)


def test_a_clear_difference_is_told_and_its_direction_depends_on_the_metric() -> None:
    good, bad = [[0.9, 1.0]] * 12, [[0.2, 1.0]] * 12
    assert statistics.compare(good, bad, names(12)).verdict == "better"
    assert statistics.compare(bad, good, names(12)).verdict == "worse"
    assert statistics.compare(bad, good, names(12), higher_is_better=False).verdict == "better"


def test_few_clusters_can_not_prove_anything() -> None:
    good, bad = [[1.0, 1.0]] * 40, [[0.0, 1.0]] * 40
    made = statistics.compare(good, bad, [f"c{number % 4}" for number in range(40)])
    assert made.p == pytest.approx(2 / 2**4)
    assert made.verdict == "no difference"


def test_chance_is_called_a_difference_no_more_often_than_it_may() -> None:
    drawn = numpy.random.default_rng(5)
    found = 0
    for _ in range(200):
        first, second = ([[float(value < 0.5), 1.0] for value in drawn.random(40)] for _ in range(2))
        found += statistics.compare(first, second, names(40)).verdict != "no difference"
    assert found <= 18


def test_a_measurement_that_is_not_a_number_stops_everything() -> None:
    with pytest.raises(Error, match="isn't a number"):
        statistics.estimate([[math.nan, 1.0]], ["c"])


def test_different_items_can_not_be_compared() -> None:
    with pytest.raises(Error, match="different items"):
        statistics.compare(HALVES, HALVES * 2, names(2))


def test_f1_is_the_one_everybody_means() -> None:
    assert float(statistics.f1(numpy.array([8.0, 2.0, 4.0]))) == pytest.approx(2 * 0.8 * (8 / 12) / (0.8 + 8 / 12))


def test_nothing_measured_has_no_value_and_one_cluster_no_interval() -> None:
    assert statistics.estimate([], []).value is None
    made = statistics.estimate(HALVES, ["c", "c"])
    assert (made.value, made.low) == (0.5, None)


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_clusters_in_which_nothing_was_counted_make_nothing_more_certain(right: float) -> None:
    made = statistics.estimate([(right, 1.0)] * 5 + [(0.0, 0.0)] * 35, names(40))
    wanted = stats.binomtest(round(5 * right), 5).proportion_ci(method="wilson")
    assert (made.value, made.low, made.high) == (right, pytest.approx(wanted.low), pytest.approx(wanted.high))


def test_a_swap_that_leaves_nothing_to_compute_is_no_evidence() -> None:
    flags = [(1.0, 1.0), (0.0, 0.0), (0.0, 0.0)]  # one answer said "vulnerable", rightly
    others = [(0.0, 0.0), (0.0, 1.0), (0.0, 0.0)]
    made = statistics.compare(flags, others, ["a", "b", "c"])
    assert made.p == 1.0 and made.verdict == "no difference"


def test_an_empty_class_has_no_figure_and_is_compared_with_nothing() -> None:
    assert statistics.estimate([(0.0, 0.0)] * 3, ["a", "b", "c"]).value is None
    assert statistics.estimate([(0.0, 0.0, 0.0)] * 3, ["a", "b", "c"], statistics.f1).value is None
    assert (
        statistics.figure([]) is None
        and statistics.figure([(0.0, 0.0)]) is None
        and statistics.figure([(0.0, 2.0)]) == 0.0
    )


@pytest.mark.parametrize("clusters", [["a", "b"], ["a", "a", "b", "b"], list("abcdef")])
def test_clusters_that_are_all_alike_give_no_interval_of_no_width(clusters: list[str]) -> None:
    made = statistics.estimate([(0.3, 1.0)] * len(clusters), clusters)
    assert made.value == pytest.approx(0.3) and (made.low, made.high) == (None, None)
