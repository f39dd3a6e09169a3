"""One optimizer step: clipping, AdamW. Pure functions of the step's number and the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten

from pipeline.training.mlx.adapters import Weights
from pipeline.training.mlx.elementwise import on_cpu
from pipeline.training.recipe import Recipe


def clipped(gradients: Weights, largest: float) -> tuple[Weights, mx.array]:
    """Return gradients with a global norm of at most `largest`, and the norm they had."""
    squares = [mx.square(gradients[name]).sum() for name in sorted(gradients)]
    norm = mx.sqrt(mx.stack(squares).sum())
    factor = mx.minimum(largest / (norm + 1e-6), 1.0)
    return {name: value * factor for name, value in gradients.items()}, norm


class Optimizer:
    """AdamW with bias correction over named weights; its whole state can be taken out and put back.

    On a GPU the update is compiled, once: its shapes never change. On a CPU that brings nothing, and
    needs a C++ compiler.
    """

    def __init__(self, recipe: Recipe, weights: Weights) -> None:
        self.inner = optim.AdamW(
            learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay, bias_correction=True
        )
        self.inner.init(weights)
        self._update = self._built()

    def apply(self, weights: Weights, gradients: Weights, rate: float) -> Weights:
        """Return the weights one step further."""
        self.inner.learning_rate = rate
        return self._update(weights, gradients)

    def _built(self) -> Callable[[Weights, Weights], Weights]:
        def update(weights: Weights, gradients: Weights) -> Weights:
            return dict(self.inner.apply_gradients(gradients, weights))

        if on_cpu():
            return update
        compiled = mx.compile(update, inputs=self.inner.state, outputs=self.inner.state)
        return cast(Callable[[Weights, Weights], Weights], compiled)

    @property
    def state(self) -> Weights:
        """Return the state as named arrays."""
        return dict(tree_flatten(self.inner.state))

    @state.setter
    def state(self, state: Weights) -> None:
        restored: dict[str, Any] = {}
        for name, value in state.items():
            weight, _, part = name.rpartition(".")
            (restored.setdefault(weight, {}) if weight else restored)[part] = value
        self.inner.state = restored
        self._update = self._built()
