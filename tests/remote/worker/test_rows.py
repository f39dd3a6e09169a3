"""Packed rows are what separate examples are, in losses and gradients, and so is the fused loss."""

from pathlib import Path

import pytest
import torch

from pipeline.remote.contract import Base
from pipeline.remote.recipe import Recipe
from pipeline.remote.worker import base as bases
from pipeline.remote.worker import templates
from pipeline.remote.worker.devices import Devices
from pipeline.remote.worker.step import Stepper
from pipeline.training import data

from . import tiny


def gradients(base: Path, folder: Path, chosen: list[int] | None = None, **changes: object) -> dict[str, torch.Tensor]:
    recipe = Recipe(**tiny.RECIPE | {"batch_size": 6} | changes)
    named = Base(model=str(base))
    read = data.load(templates.tokenizer(named, "inst"), 256, train=tiny.conversations(folder / "rows.jsonl", 6).path)
    model = bases.adapted(bases.load(named, recipe, torch.device("cpu")), recipe)
    torch.manual_seed(3)
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.05)
    stepper = Stepper(model, recipe, read.examples, Devices())
    loss = stepper.step(list(range(6)) if chosen is None else chosen, 0).loss
    found = {name: value.grad for name, value in model.named_parameters() if value.requires_grad}
    return {"loss": torch.tensor(loss), **found}


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max(float((one[name] - other[name]).abs().max() / one[name].abs().max()) for name in one)


@pytest.fixture(scope="module")
def padded(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("rows")
    return gradients(base, folder, packing=False, batch_size=1, fused_loss=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"token_budget": 4096, "fused_loss": False},
        {"token_budget": 4096},
        {"token_budget": 120},
        {"packing": False},
        {"token_budget": 4096, "gradient_checkpointing": True},
    ],
)
def test_rows_of_any_layout_give_the_loss_and_gradients_of_separate_examples(
    base: Path, tmp_path: Path, padded: dict[str, torch.Tensor], changes: dict[str, object]
) -> None:
    assert apart(padded, gradients(base, tmp_path, **changes)) < 2e-5


def test_another_example_gives_another_gradient(base: Path, tmp_path: Path, padded: dict[str, torch.Tensor]) -> None:
    assert apart(padded, gradients(base, tmp_path, chosen=[0, 1, 2, 3, 4])) > 1e-2


def test_bf16_is_close_to_f32_and_not_it(base: Path, tmp_path: Path, padded: dict[str, torch.Tensor]) -> None:
    rounded = gradients(base, tmp_path, precision="bf16")
    assert 1e-6 < abs(float(rounded["loss"] - padded["loss"])) < 5e-2
