"""Causal attention inside each example of a packed row, over the forest of its segments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import msgspec
import numpy as np

from pipeline.training.mlx.elementwise import exponential, on_cpu
from pipeline.training.packing import Row

QUERIES = 128  # queries at a time on a CPU: what lies above the diagonal is mostly never computed
Rotate = Callable[..., mx.array]


class Run(msgspec.Struct, frozen=True):
    """Consecutive queries: positions `start`–`stop` inside segment `segment`, `at` in the query rows."""

    segment: int
    start: int
    stop: int
    at: int


def all_runs(row: Row) -> tuple[Run, ...]:
    """Return runs that cover every token of the row."""
    return tuple(Run(number, 0, part.stop - part.start, part.start) for number, part in enumerate(row.segments))


def runs_at(row: Row, positions: Sequence[int]) -> tuple[Run, ...]:
    """Return runs that cover the given row positions (ascending, without repeats)."""
    runs: list[Run] = []
    number, at = 0, 0
    for index, position in enumerate(positions):
        while position >= row.segments[number].stop:
            number += 1
        inside = position - row.segments[number].start
        ends = index + 1 == len(positions) or positions[index + 1] != position + 1
        if ends or positions[index + 1] >= row.segments[number].stop:
            runs.append(Run(number, inside - (index - at), inside + 1, at))
            at = index + 1
    return tuple(runs)


def attend(
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    row: Row,
    runs: Sequence[Run],
    rotate: Rotate,
    scale: float,
    window: int | None = None,
) -> mx.array:
    """Return attention's output for the query rows, [1, heads, queries, size].

    `queries` are the rows of `runs`, `keys` and `values` [1, kv_heads, tokens, size] the whole
    row's, none rotated yet. `window` is how many keys a query sees at most, itself included.
    """
    rotated = [rotate(keys[:, :, part.start : part.stop], offset=part.position) for part in row.segments]
    outputs = []
    for run in runs:
        part = row.segments[run.segment]
        asked = queries[:, :, run.at : run.at + run.stop - run.start]
        asked = rotate(asked, offset=part.position + run.start)
        seen_keys = [*(rotated[number] for number in part.path), rotated[run.segment][:, :, : run.stop]]
        seen_values = [values[:, :, row.segments[number].start : row.segments[number].stop] for number in part.path]
        seen_values.append(values[:, :, part.start : part.start + run.stop])
        outputs.append(_causal(asked, _joined(seen_keys), _joined(seen_values), scale, window))
    return _joined(outputs)


def _joined(parts: list[mx.array]) -> mx.array:
    return parts[0] if len(parts) == 1 else mx.concatenate(parts, axis=2)


def _causal(queries: mx.array, keys: mx.array, values: mx.array, scale: float, window: int | None) -> mx.array:
    """Attend with the last query at the last key; earlier queries see as many keys fewer."""
    if not on_cpu():
        return _fused(queries, keys, values, scale, window)
    count, before = queries.shape[2], keys.shape[2] - queries.shape[2]
    outputs = []
    for start in range(0, count, QUERIES):
        stop = min(start + QUERIES, count)
        first = 0 if window is None else max(0, before + start + 1 - window)
        seen = slice(first, before + stop)
        mask = _mask(stop - start, before + stop - first, window)
        both: Any = _attention(queries[:, :, start:stop] * scale, keys[:, :, seen], values[:, :, seen], mask)
        outputs.append(both[0])
    return _joined(outputs)


def _fused(queries: mx.array, keys: mx.array, values: mx.array, scale: float, window: int | None) -> mx.array:
    mask: mx.array | str = "causal"
    if window is not None and keys.shape[2] > window:
        mask = _mask(queries.shape[2], keys.shape[2], window) == 0
    return mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask)


@functools.lru_cache(maxsize=4096)
def _mask(queries: int, keys: int, window: int | None) -> mx.array:
    """Return what is added to scores [queries, keys]: 0 where a query may look, -1e9 elsewhere."""
    at = np.arange(keys - queries, keys)[:, None]
    look = np.arange(keys)[None]
    hidden = look > at
    if window is not None:
        hidden |= look <= at - window
    return mx.array(np.where(hidden, np.float32(-1e9), np.float32(0)))


@mx.custom_function
def _attention(queries: mx.array, keys: mx.array, values: mx.array, mask: mx.array) -> tuple[mx.array, mx.array]:
    """Return softmax(queries keysᵀ + mask) values, and the softmax, kept for the gradient."""
    _, heads, count, size = queries.shape
    groups = keys.shape[1]
    scores = _grouped(queries, groups) @ keys.swapaxes(2, 3)
    scores = scores.reshape(1, groups, heads // groups, count, -1) + mask
    weights = exponential(scores - scores.max(axis=-1, keepdims=True))
    weights = weights * mx.reciprocal(weights.sum(axis=-1, keepdims=True))
    weights = weights.reshape(1, groups, heads // groups * count, -1)
    return (weights @ values).reshape(1, heads, count, size), weights


@_attention.vjp
def _attention_vjp(primals: Any, cotangents: Any, outputs: Any) -> tuple[mx.array, ...]:
    queries, keys, values, mask = primals
    output, weights = outputs
    groups = keys.shape[1]
    upstream = _grouped(cotangents[0], groups)
    along = (upstream * _grouped(output, groups)).sum(axis=-1, keepdims=True)
    scores = weights * (upstream @ values.swapaxes(2, 3) - along)
    to_queries = (scores @ keys).reshape(queries.shape)
    to_keys = scores.swapaxes(2, 3) @ _grouped(queries, groups)
    return to_queries, to_keys, weights.swapaxes(2, 3) @ upstream, mx.zeros_like(mask)


def _grouped(x: mx.array, groups: int) -> mx.array:
    """Return [1, heads, count, size] as [1, groups, heads / groups * count, size]."""
    return x.reshape(1, groups, -1, x.shape[3])
