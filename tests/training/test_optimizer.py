"""What is compiled on a GPU computes what it computes uncompiled."""

from __future__ import annotations

import shutil

import mlx.core as mx
import pytest

from pipeline.training.mlx import elementwise, optimizer
from pipeline.training.recipe import Recipe

pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="compiling on a CPU needs a compiler")


def updated(steps: int, restart_after: int) -> dict[str, mx.array]:
    mx.random.seed(3)
    weights = {"a.lora_a": mx.random.normal((4, 3)), "a.lora_b": mx.random.normal((3, 5))}
    adam = optimizer.Optimizer(Recipe(weight_decay=0.1), weights)
    for step in range(steps):
        gradients = {name: value * 0.1 + step for name, value in weights.items()}
        weights = adam.apply(weights, gradients, 1e-2 / (step + 1))
        mx.eval(weights, adam.inner.state)
        if step == restart_after:
            state = {name: mx.array(value) for name, value in adam.state.items()}
            adam = optimizer.Optimizer(Recipe(weight_decay=0.1), weights)
            adam.state = state
    return weights


def test_the_compiled_update_is_the_update_across_a_resume_too(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = updated(5, restart_after=99)
    monkeypatch.setattr(optimizer, "on_cpu", lambda: False)
    for restart_after in (99, 2):
        compiled = updated(5, restart_after)
        for name, value in plain.items():
            assert mx.abs(compiled[name] - value).max().item() < 1e-6


def test_the_compiled_gate_and_its_gradients_are_the_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elementwise, "on_cpu", lambda: False)
    for rows in (3, 7):
        gate, up = mx.random.normal((rows, 8)), mx.random.normal((rows, 8))
        found, wanted = (
            mx.grad(lambda gate, up, form=form: mx.square(form(gate, up)).sum(), argnums=(0, 1))(gate, up)
            for form in (elementwise.gated(), elementwise.gated_plain)
        )
        for one, other in zip(found, wanted, strict=True):
            assert mx.abs(one - other).max().item() < 1e-5
