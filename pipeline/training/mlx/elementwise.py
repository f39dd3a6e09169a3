"""Exponentials that are quick on a CPU, with their gradients.

MLX's CPU build computes `exp` and `sigmoid` one number at a time (7–14 ns each on x86), so that
they cost as much as the matrix products round them. Here they are built from additions and
products, which it vectorises: three times faster, within 3e-7 of the exact value. On a GPU MLX's
own are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import mlx.core as mx

_ROUND = 12582912.0  # 1.5 * 2**23: adding it rounds to a whole number and leaves it in the low bits
# 2**f on [-1/2, 1/2], Chebyshev fit of degree 6 (relative error below 1e-8)
_POWERS = (
    1.54614447e-4,
    1.34004282e-3,
    9.61805668e-3,
    5.55032723e-2,
    2.40226507e-1,
    6.93147207e-1,
    1.0,
)


def exponential(x: mx.array) -> mx.array:
    """Return e**x of a float32 array, 0 below about -87. Values above 87 are not expected."""
    t = mx.maximum(x * 1.4426950408889634, -126.0)
    shifted = t + _ROUND
    f = t - (shifted - _ROUND)
    power = f * _POWERS[0] + _POWERS[1]
    for coefficient in _POWERS[2:]:
        power = power * f + coefficient
    whole = mx.left_shift(shifted.view(mx.int32), 23)
    return (power.view(mx.int32) + whole).view(mx.float32)


@mx.custom_function
def _gated(gate: mx.array, up: mx.array) -> tuple[mx.array, mx.array]:
    sigmoid = mx.reciprocal(exponential(mx.minimum(-gate, 87.0)) + 1.0)
    return gate * sigmoid * up, sigmoid


@_gated.vjp
def _gated_vjp(primals: Any, cotangents: Any, outputs: Any) -> tuple[mx.array, mx.array]:
    gate, up = primals
    sigmoid = outputs[1]
    swish = gate * sigmoid
    upstream = cotangents[0]
    slope = swish + sigmoid * (1.0 - swish)
    return upstream * up * slope, upstream * swish


def gated_quick(gate: mx.array, up: mx.array) -> mx.array:
    """Return silu(gate) * up for float32 arrays on a CPU."""
    outputs: Any = _gated(gate, up)
    return cast(mx.array, outputs[0])


def gated_plain(gate: mx.array, up: mx.array) -> mx.array:
    """Return silu(gate) * up with MLX's own operations."""
    return gate * mx.sigmoid(gate) * up


gated_compiled = mx.compile(gated_plain, shapeless=True)  # one kernel on a GPU, whatever the shapes


def gated() -> Callable[[mx.array, mx.array], mx.array]:
    """Return the form of silu(gate) * up that suits the device."""
    return gated_quick if on_cpu() else gated_compiled


def on_cpu() -> bool:
    """Return whether MLX computes on the CPU here."""
    return bool(mx.default_device() == mx.Device(mx.cpu))


def number(value: mx.array) -> float:
    """Return an array of one element as a float, once it is computed."""
    return float(cast(Any, value).item())
