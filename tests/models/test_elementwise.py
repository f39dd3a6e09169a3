"""The quick exponential is the exponential."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from pipeline.training.mlx.elementwise import exponential, gated_plain, gated_quick


def test_the_exponential_is_right_to_single_precision() -> None:
    x = np.concatenate([np.linspace(-87, 0, 200_001), np.linspace(-1, 1, 20_001)]).astype(np.float32)
    wanted = np.exp(x.astype(np.float64))
    error = np.abs(np.array(exponential(mx.array(x))) - wanted) / wanted
    assert error.max() < 6e-6 and error[np.abs(x) < 5].max() < 4e-7


def test_far_below_it_is_nothing() -> None:
    assert np.array(exponential(mx.array([-1e9, -200.0, -88.0]))).max() < 2e-38


def test_the_gate_and_its_gradients_are_those_of_silu() -> None:
    gate, up = mx.random.normal((64, 96)) * 8, mx.random.normal((64, 96))
    assert mx.abs(gated_quick(gate, up) - nn.silu(gate) * up).max().item() < 2e-5

    def slope(function):
        return mx.grad(lambda g, u: (function(g, u) * mx.cos(u)).sum(), argnums=(0, 1))(gate, up)

    for quick, plain in zip(slope(gated_quick), slope(gated_plain), strict=True):
        assert mx.abs(quick - plain).max().item() < 5e-5
