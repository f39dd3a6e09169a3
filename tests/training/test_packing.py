"""Packed training is unpacked training: same loss, same gradients, on every architecture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlx.utils import tree_unflatten

from pipeline.models.load import load
from pipeline.training import packing
from pipeline.training.examples import Encoded
from pipeline.training.mlx import adapters
from pipeline.training.mlx.step import Stepper
from pipeline.training.packing import distribute, pack, rows
from pipeline.training.recipe import Recipe

SHARED = tuple(range(10, 50))


def examples(prompt_tokens: tuple[int, ...] = (40, 61, 90)) -> list[Encoded]:
    """Examples that begin alike, of several lengths, answers at the end and one in the middle."""
    made = []
    for number, length in enumerate(prompt_tokens):
        own = tuple((number * 7 + place * 3) % 300 + 4 for place in range(length - 20))
        tokens = SHARED[: 20 + 10 * number] + own
        answer = [place >= len(tokens) * 2 // 3 or 30 <= place < 33 for place in range(len(tokens))]
        made.append(Encoded(f"example {number}", tokens, tuple(answer)))
    return made


def unpacked(model, weights, data, prompt_weight=0.0):
    """Loss and gradients the plain way: mlx-lm's own forward, an example at a time."""

    def loss(weights):
        model.update(tree_unflatten(list(weights.items())))
        total, weight = mx.array(0.0), 0.0
        for example in data:
            tokens = mx.array(example.tokens)[None]
            weigh = mx.array([1.0 if answer else prompt_weight for answer in example.answer[1:]])
            total = total + (nn.losses.cross_entropy(model(tokens[:, :-1])[0], tokens[0, 1:]) * weigh).sum()
            weight += weigh.sum().item()
        return total / weight

    value, gradients = mx.value_and_grad(loss)(weights)
    mx.eval(value, gradients)
    return value.item(), gradients


def prepared(folder: Path, **recipe):
    model, _ = load(folder)
    recipe = Recipe(rank=4, alpha=8.0, **recipe)
    weights = adapters.attach(model, recipe)
    mx.random.seed(1)
    weights = {
        name: mx.random.normal(value.shape) * 0.1 if name.endswith("lora_b") else value
        for name, value in weights.items()
    }
    mx.eval(weights)
    return model, recipe, weights


def assert_equal_gradients(found, wanted):
    for name, value in wanted.items():
        scale = mx.abs(value).max().item()
        assert mx.abs(found[name] - value).max().item() < 2e-4 * scale + 1e-7, name


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("architecture", ["olmo2", "olmo3", "llama"])
def test_packed_loss_and_gradients_equal_unpacked_ones(
    models: Callable[[str], Path], architecture: str, share: bool, checkpointing: bool
) -> None:
    model, recipe, weights = prepared(models(architecture), shared_prefix=share, gradient_checkpointing=checkpointing)
    data = examples()
    wanted, gradients = unpacked(model, weights, data)
    stepper = Stepper(model, recipe, data, budget=4096)
    found = stepper.step([0, 1, 2], weights, 0)
    assert len(found.rows) == 1
    assert (len(found.rows[0].tokens) < sum(len(example.tokens) for example in data)) == share
    assert found.loss.item() == pytest.approx(wanted, abs=2e-5)
    assert_equal_gradients(found.gradients, gradients)


@pytest.mark.parametrize("share", [False, True])
def test_prompt_weight_counts_shared_tokens_once_for_every_example(models, share: bool) -> None:
    model, recipe, weights = prepared(models("olmo2"), shared_prefix=share, prompt_loss_weight=0.3)
    wanted, gradients = unpacked(model, weights, examples(), 0.3)
    found = Stepper(model, recipe, examples(), 4096).step([0, 1, 2], weights, 0)
    assert found.loss.item() == pytest.approx(wanted, abs=2e-5)
    assert_equal_gradients(found.gradients, gradients)


@pytest.mark.parametrize("kind", ["4bit", "8bit", "dora"])
def test_quantised_and_dora_layers_pack_exactly_too(models, kind: str) -> None:
    from pipeline.models.load import quantize

    model, _ = load(models("olmo2"))
    quantize(model, "none" if kind == "dora" else kind)
    recipe = Recipe(rank=4, alpha=8.0, use_dora=kind == "dora")
    weights = adapters.attach(model, recipe)
    wanted, gradients = unpacked(model, weights, examples())
    found = Stepper(model, recipe, examples(), 4096).step([0, 1, 2], weights, 0)
    assert found.loss.item() == pytest.approx(wanted, abs=5e-5)
    assert_equal_gradients(found.gradients, gradients)


def test_rows_of_any_budget_give_the_same_gradients(models) -> None:
    model, recipe, weights = prepared(models("olmo3"))
    whole = Stepper(model, recipe, examples(), 4096).step([0, 1, 2], weights, 0)
    split = Stepper(model, recipe, examples(), 100).step([0, 1, 2], weights, 0)
    assert len(split.rows) == 3 and len(whole.rows) == 1
    assert split.loss.item() == pytest.approx(whole.loss.item(), abs=2e-5)
    assert_equal_gradients(split.gradients, whole.gradients)


@pytest.mark.parametrize("architecture", ["olmo2", "olmo3", "llama"])
def test_what_is_kept_from_below_the_adapters_changes_nothing(models, architecture: str) -> None:
    model, recipe, weights = prepared(models(architecture), layers=1)
    wanted, gradients = unpacked(model, weights, examples())
    stepper = Stepper(model, recipe, examples(), 4096, keep=True)
    for _ in range(2):
        found = stepper.step([0, 1, 2], weights, 0)
        assert found.loss.item() == pytest.approx(wanted, abs=2e-5)
        assert_equal_gradients(found.gradients, gradients)
    assert stepper.training.first == len(model.layers) - 1 and len(stepper.kept) == 3
    assert stepper.validation([0, 1, 2], weights) == pytest.approx(wanted, abs=2e-5)


def test_validation_is_the_mean_over_answer_tokens(models) -> None:
    model, recipe, weights = prepared(models("llama"))
    wanted, _ = unpacked(model, weights, examples())
    assert Stepper(model, recipe, examples(), 4096).validation([0, 1, 2], weights) == pytest.approx(wanted, abs=2e-5)


def test_an_architecture_that_is_not_known_is_computed_an_example_at_a_time(models) -> None:
    model, recipe, weights = prepared(models("llama"))
    wanted, gradients = unpacked(model, weights, examples())
    model.model_type = "something_new"
    found = Stepper(model, recipe, examples(), 4096).step([0, 1, 2], weights, 0)
    assert found.loss.item() == pytest.approx(wanted, abs=2e-5)
    assert_equal_gradients(found.gradients, gradients)


def test_kl_to_a_reference_is_nothing_at_the_reference_and_pulls_back_from_elsewhere(models) -> None:
    model, recipe, weights = prepared(models("olmo2"), kl_weight=0.5)
    plain = Stepper(model, msgspec.structs.replace(recipe, kl_weight=0.0), examples(), 4096).step([0, 1, 2], weights, 0)
    stepper = Stepper(model, recipe, examples(), 4096)
    stepper.remember([0, 1, 2], weights)
    at_reference = stepper.step([0, 1, 2], weights, 0)
    assert at_reference.loss.item() == pytest.approx(plain.loss.item(), abs=2e-5)
    assert_equal_gradients(at_reference.gradients, plain.gradients)
    moved = {name: value * 2 for name, value in weights.items()}
    assert stepper.step([0, 1, 2], moved, 0).loss.item() > stepper_loss(model, recipe, moved) + 1e-5


def stepper_loss(model, recipe, weights) -> float:
    plain = msgspec.structs.replace(recipe, kl_weight=0.0)
    return Stepper(model, plain, examples(), 4096).step([0, 1, 2], weights, 0).loss.item()


encoded = st.builds(
    lambda head, body, answer: Encoded(
        "x", SHARED[:head] + tuple(body), (False,) * head + (False,) + (answer,) * (len(body) - 1)
    ),
    st.integers(0, 40),
    st.lists(st.integers(0, 3), min_size=2, max_size=60),
    st.just(True),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(encoded, min_size=1, max_size=7), st.booleans())
def test_every_token_of_every_example_is_in_its_row_and_scored_once(data: list[Encoded], share: bool) -> None:
    row = pack(list(enumerate(data)), 0.0, share)
    ends = sum(sum(example.answer[1:]) for example in data)
    assert len(row.scores) == ends and row.weight == ends
    paths = set()
    for segment in row.segments:
        chain = [*(row.segments[number] for number in segment.path), segment]
        tokens = [token for part in chain for token in row.tokens[part.start : part.stop]]
        assert segment.position == len(tokens) - (segment.stop - segment.start)
        paths.add(tuple(tokens))
    assert {example.tokens for example in data} <= paths
    if share:
        assert len(row.tokens) <= sum(len(example.tokens) for example in data)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 120), st.integers(1, 3))
def test_distribution_keeps_every_example_and_the_budget(lengths: list[int], budget: int, lanes: int) -> None:
    table = dict(enumerate(lengths))
    parts = distribute(list(table), table, budget, lanes)
    assert sorted(number for part in parts for number in part) == list(table)
    for part in parts:
        assert len(part) == 1 or sum(table[number] for number in part) <= budget


@pytest.mark.parametrize(("least", "most"), [(520, 700), (345, 400), (260, 300)])
def test_many_examples_that_leave_rows_half_empty_are_laid_out_in_few_attempts(monkeypatch, least, most) -> None:
    fill, attempts = packing._fill, []
    monkeypatch.setattr(packing, "_fill", lambda *given: (attempts.append(given), fill(*given))[1])
    table = {number: least + number * 7 % (most - least) for number in range(600)}
    parts = distribute(list(table), table, 1024, 1)
    assert len(parts) == 600 // (1024 // most) and len(attempts) == 1


def test_examples_that_begin_alike_share_their_beginning() -> None:
    row = rows(examples(), [0, 1, 2], 4096, 1, 0.0, True)[0]
    assert len(row.tokens) == sum(len(example.tokens) for example in examples()) - 20 - 20
