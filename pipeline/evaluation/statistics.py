"""Intervals and tests that respect that examples of one cluster aren't independent.

Every metric is a function of sums over items (accuracy: right / all; F1: from three counts), so
a resample is a draw of clusters and a sum. Efron and Tibshirani 1993, "An Introduction to the
Bootstrap", chapters 8 and 13; Holm 1979; McNemar 1947 in its exact form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy
import numpy.typing

from config.errors import Error
from pipeline.records import Record

Matrix = numpy.typing.NDArray[numpy.float64]
Statistic = Callable[[Matrix], Matrix]
RESAMPLES = 2000
CONFIDENCE = 0.95
SIGNIFICANT = 0.05  # p below this; 1 - CONFIDENCE is a little more
EXACT_CLUSTERS = 12


class Estimate(Record):
    """A figure with its interval; no interval where one cluster, or none, was measured."""

    value: float | None
    low: float | None = None
    high: float | None = None
    items: int = 0
    clusters: int = 0


class Comparison(Record):
    """Two models on the same items: first minus second, its interval, and p by randomisation.

    `p` is two-sided over swaps of whole clusters; `adjusted` is p after Holm's correction; `mcnemar`
    is McNemar's exact p where every item is right or wrong.
    """

    difference: float
    low: float | None
    high: float | None
    p: float
    adjusted: float
    items: int
    clusters: int
    verdict: str
    mcnemar: float | None = None


def ratio(sums: Matrix) -> Matrix:
    """Return first sum / second sum, NaN where nothing was counted: accuracies, rates, losses."""
    with numpy.errstate(divide="ignore", invalid="ignore"):
        return numpy.asarray(sums[..., 0] / sums[..., 1])


def f1(sums: Matrix) -> Matrix:
    """Return F1 from sums of (true positives, false positives, false negatives)."""
    hits, false, missed = sums[..., 0], sums[..., 1], sums[..., 2]
    with numpy.errstate(divide="ignore", invalid="ignore"):
        return numpy.asarray(2 * hits / (2 * hits + false + missed))


def estimate(items: Sequence[Sequence[float]], clusters: Sequence[str], statistic: Statistic = ratio) -> Estimate:
    """Return the statistic over all items and its percentile interval over resampled clusters.

    Where every resample is the same, 0 and 1 get Wilson's interval and anything else none: two clusters
    that are alike are no certainty.
    """
    value = figure(items, statistic)
    if value is None:
        return Estimate(value=None, items=len(items))
    by_cluster = _by_cluster(_finite(items), clusters)
    if len(by_cluster) < 2:
        return Estimate(value=value, items=len(items), clusters=len(by_cluster))
    low, high = _percentiles(statistic(_resampled(by_cluster)))
    if low is not None and high is not None and math.isclose(low, high, abs_tol=1e-12):
        counted = int((~numpy.isnan(statistic(by_cluster))).sum())  # a cluster without any adds no certainty
        low, high = wilson(value, counted) if value in (0.0, 1.0) else (None, None)
    return Estimate(value=value, low=low, high=high, items=len(items), clusters=len(by_cluster))


def figure(items: Sequence[Sequence[float]], statistic: Statistic = ratio) -> float | None:
    """Return the statistic over all items; None where nothing was counted."""
    value = float(statistic(_finite(items).sum(axis=0))) if items else math.nan
    return None if math.isnan(value) else value


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's interval (1927) of a share: for 0 and 1, where resampling always finds the same again."""
    z = 1.959964
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def compare(
    first: Sequence[Sequence[float]],
    second: Sequence[Sequence[float]],
    clusters: Sequence[str],
    statistic: Statistic = ratio,
    *,
    higher_is_better: bool = True,
) -> Comparison:
    """Compare two models answer by answer; on ties and constant input the verdict is "no difference"."""
    one, other = _finite(first), _finite(second)
    if one.shape != other.shape:
        raise Error("Two models were compared on different items.", "Repeat the evaluation of both.")
    ones, others = _by_cluster(one, clusters), _by_cluster(other, clusters)
    difference = _difference(statistic, one.sum(axis=0), other.sum(axis=0))
    low, high = (None, None) if len(ones) < 2 else _percentiles(_paired(ones, others, statistic))
    p = 1.0 if numpy.array_equal(one, other) else randomisation(ones, others, statistic)
    made = Comparison(
        difference=difference,
        low=low,
        high=high,
        p=p,
        adjusted=p,
        items=len(one),
        clusters=len(ones),
        verdict="",
        mcnemar=_mcnemar(one, other),
    )
    return judge(made, p, higher_is_better=higher_is_better)


def judge(comparison: Comparison, adjusted: float, *, higher_is_better: bool = True) -> Comparison:
    """Return the comparison with its adjusted p and a verdict: better, worse or no difference.

    A difference counts when the interval leaves out zero and adjusted p is below 5 %.
    """
    low, high = comparison.low, comparison.high
    sure = adjusted < SIGNIFICANT and low is not None and high is not None and (low > 0 or high < 0)
    good = (comparison.difference > 0) == higher_is_better
    verdict = ("better" if good else "worse") if sure else "no difference"
    return msgspec.structs.replace(comparison, adjusted=adjusted, verdict=verdict)


def randomisation(first: Matrix, second: Matrix, statistic: Statistic = ratio) -> float:
    """Return two-sided p: how often a swap of clusters between the models differs as much.

    Up to EXACT_CLUSTERS clusters every swap is tried, above that RESAMPLES are drawn. A swap that leaves
    nothing to compute counts as differing as much.
    """
    count = len(first)
    if count <= EXACT_CLUSTERS:
        swaps = (numpy.arange(2**count)[:, None] >> numpy.arange(count)) & 1
    else:
        swaps = _random().integers(0, 2, size=(RESAMPLES, count))
        swaps[0] = 0
    kept = (1 - swaps).astype(numpy.float64)
    moved = swaps.astype(numpy.float64)
    differences: Matrix = statistic(kept @ first + moved @ second) - statistic(kept @ second + moved @ first)
    observed = _difference(statistic, first.sum(axis=0), second.sum(axis=0))
    as_far = int((~(numpy.abs(differences) < abs(observed) - 1e-12)).sum())
    return as_far / int(differences.shape[0])


def mcnemar(first_only: int, second_only: int) -> float:
    """Return exact two-sided p that two models differ, from the items only one of them got right."""
    total = first_only + second_only
    if total == 0:
        return 1.0
    tail = sum(math.comb(total, k) for k in range(min(first_only, second_only) + 1))
    return float(min(1.0, 2 * tail / (1 << total)))


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for being several: Holm's step-down, never below the one before."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    adjusted = [1.0] * len(values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


def _mcnemar(one: Matrix, other: Matrix) -> float | None:
    plain = one.shape[1] == 2 and (one[:, 1] == 1).all() and set(numpy.unique([one[:, 0], other[:, 0]])) <= {0.0, 1.0}
    if not plain:
        return None
    difference = one[:, 0] - other[:, 0]
    return mcnemar(int((difference > 0).sum()), int((difference < 0).sum()))


def _by_cluster(items: Matrix, clusters: Sequence[str]) -> Matrix:
    names = {name: index for index, name in enumerate(sorted(set(clusters)))}
    sums = numpy.zeros((len(names), items.shape[1]))
    numpy.add.at(sums, [names[name] for name in clusters], items)
    return sums


def _resampled(by_cluster: Matrix) -> Matrix:
    return _draws(len(by_cluster)) @ by_cluster


def _paired(first: Matrix, second: Matrix, statistic: Statistic) -> Matrix:
    draws = _draws(len(first))
    return numpy.asarray(statistic(draws @ first) - statistic(draws @ second))


@functools.cache
def _draws(count: int) -> Matrix:
    draws: Matrix = _random().multinomial(count, [1 / count] * count, size=RESAMPLES).astype(numpy.float64)
    return draws


def _percentiles(values: Matrix) -> tuple[float | None, float | None]:
    known = values[~numpy.isnan(values)]
    if not len(known):
        return None, None
    low, high = numpy.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _difference(statistic: Statistic, first: Matrix, second: Matrix) -> float:
    difference = float(statistic(first) - statistic(second))
    return 0.0 if math.isnan(difference) else difference


def _finite(items: Sequence[Sequence[float]]) -> Matrix:
    matrix = numpy.asarray(items, dtype=numpy.float64).reshape(len(items), -1)
    if not numpy.isfinite(matrix).all():
        raise Error("A measurement isn't a number.", "Look for a non-finite loss in the training's metrics.")
    return matrix


def _random() -> Any:
    return numpy.random.default_rng(20250917)
