"""Each key of a recipe changes the training, and the test below knows each of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from config.errors import InputRefused
from pipeline.remote.contract import Spec, read_events
from pipeline.remote.recipe import Recipe
from pipeline.remote.worker import step as steps
from pipeline.remote.worker.training import train

from . import tiny

SMALL = {"max_epochs": 1, "dropout": 0.1, "save_steps": 100}


class Seen:
    """What one training showed: losses, learning rates, gradient norms, events, checkpoints, weights, model."""

    def __init__(self, spec: Spec, made: list[steps.Stepper]) -> None:
        events = list(read_events((Path(spec.work) / "events.jsonl").read_bytes()))
        self.losses = [event.loss for event in events if event.kind == "progress"]
        self.rates = [event.learning_rate for event in events if event.kind == "progress"]
        self.norms = [event.gradient_norm for event in events if event.kind == "progress"]
        self.validations = [event.step for event in events if event.kind == "validation"]
        self.saves = [event.step for event in events if event.kind == "checkpoint"]
        self.kept = sorted(path.name for path in (Path(spec.work) / "checkpoints").iterdir())
        self.weights = (Path(spec.output) / "adapter" / "adapter_model.safetensors").read_bytes()
        self.tf32 = torch.backends.cuda.matmul.allow_tf32
        self.stepper = made[0]
        self.model = made[0].model.get_base_model()


@pytest.fixture
def look(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Seen]:
    made: list[steps.Stepper] = []

    class Watched(steps.Stepper):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr("pipeline.remote.worker.training.Stepper", Watched)

    def trained(name: str, **changes: object) -> Seen:
        made.clear()
        spec = tiny.spec(tmp_path / name, base, **SMALL | changes)
        replay = tiny.conversations(tmp_path / name / "replay.jsonl", 8, 50)
        spec = msgspec.structs.replace(spec, data=msgspec.structs.replace(spec.data, replay=replay))
        train(spec)
        return Seen(spec, made)

    return trained


def linear(seen: Seen) -> str:
    return type(seen.model.model.layers[0].self_attn.q_proj.base_layer).__name__


KEYS: dict[str, tuple[dict[str, object], Callable[[Seen], object]]] = {
    "batch_size": ({"batch_size": 2}, lambda seen: len(seen.losses)),
    "gradient_accumulation": ({"gradient_accumulation": 2}, lambda seen: len(seen.losses)),
    "max_epochs": ({"max_epochs": 2}, lambda seen: len(seen.losses)),
    "learning_rate": ({"learning_rate": 1e-3}, lambda seen: seen.rates),
    "warmup_steps": ({"warmup_steps": 0}, lambda seen: seen.rates[0]),
    "schedule": ({"schedule": "constant"}, lambda seen: seen.rates[-1]),
    "schedule_floor": ({"schedule_floor": 0.0}, lambda seen: seen.rates[-1]),
    "optimizer": ({"optimizer": "paged_adamw_8bit"}, lambda seen: seen.weights),
    "weight_decay": ({"weight_decay": 0.5}, lambda seen: seen.weights),
    "gradient_clip": ({"gradient_clip": 1e-3}, lambda seen: seen.weights),
    "seed": ({"seed": 7}, lambda seen: seen.losses),
    "rank": ({"rank": 2}, lambda seen: len(seen.weights)),
    "alpha": ({"alpha": 1.0}, lambda seen: seen.losses),
    "dropout": ({"dropout": 0.5}, lambda seen: seen.losses),
    "target_modules": ({"target_modules": ("q_proj",)}, lambda seen: len(seen.weights)),
    "layers": ({"layers": 1}, lambda seen: len(seen.weights)),
    "use_dora": ({"use_dora": True}, lambda seen: len(seen.weights)),
    "quantization": ({"quantization": "4bit"}, linear),
    "double_quantization": (
        {"double_quantization": False},
        lambda seen: seen.model.model.layers[0].self_attn.q_proj.base_layer.weight.quant_state.nested,
    ),
    "dequantize": ({"dequantize": True}, linear),
    "precision": ({"precision": "bf16"}, lambda seen: seen.losses),
    "tf32": ({"tf32": False}, lambda seen: seen.tf32),
    "max_tokens": ({"max_tokens": 50}, lambda seen: len(seen.stepper.examples)),
    "packing": ({"packing": False}, lambda seen: rows(seen)[0].packed),
    "token_budget": ({"token_budget": 100}, lambda seen: len(rows(seen))),
    "prompt_loss_weight": ({"prompt_loss_weight": 0.5}, lambda seen: seen.losses),
    "replay_share": ({"replay_share": 0.5}, lambda seen: len(seen.losses)),
    "save_steps": ({"save_steps": 1}, lambda seen: seen.saves),
    "eval_steps": ({"eval_steps": 1}, lambda seen: seen.validations),
    "early_stopping_patience": (
        {"early_stopping_patience": 1},
        lambda seen: len(seen.losses),
    ),
    "keep_checkpoints": ({"keep_checkpoints": 1}, lambda seen: seen.kept),
    "gradient_checkpointing": (
        {"gradient_checkpointing": True},
        lambda seen: seen.model.model.layers[0].gradient_checkpointing,
    ),
}
WITH = {
    "warmup_steps": {"batch_size": 1, "eval_steps": 100},
    "keep_checkpoints": {"save_steps": 2},
    "gradient_clip": {"weight_decay": 0.0},
    "double_quantization": {"quantization": "4bit"},
    "dequantize": {"quantization": "4bit"},
    "early_stopping_patience": {"learning_rate": 1.0, "eval_steps": 1},
}
ELSEWHERE = {
    "parallel": "test_command: two processes, data and fsdp; below: refused with quantised weights",
    "template": "test_templates",
    "fused_loss": "test_rows, and below: the head is run whole, or not at all",
}


def rows(seen: Seen) -> list[Any]:
    return steps.layout(seen.stepper.examples, list(range(6)), seen.stepper.recipe)


def test_every_key_is_known_here() -> None:
    assert {*KEYS, *ELSEWHERE} == {field.name for field in msgspec.structs.fields(Recipe)}


@pytest.fixture(scope="module")
def seen_before() -> dict[str, Seen]:
    """Return what was seen of trainings without the change, by what they had."""
    return {}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_key_changes_the_training(key: str, look: Callable[..., Seen], seen_before: dict[str, Seen]) -> None:
    change, seen = KEYS[key]
    with_others = WITH.get(key, {})
    if str(with_others) not in seen_before:
        seen_before[str(with_others)] = look("before", **with_others)
    before = seen(seen_before[str(with_others)])
    assert before != seen(look("after", **with_others, **change))


@pytest.mark.parametrize("fused", [True, False])
def test_the_fused_loss_never_computes_all_logits(fused: bool, look: Callable[..., Seen]) -> None:
    called = []
    handle = torch.nn.modules.module.register_module_forward_hook(
        lambda module, _, output: called.append(1) if getattr(module, "out_features", 0) > 512 else None
    )
    try:
        look("head", fused_loss=fused)
    finally:
        handle.remove()
    assert bool(called) is not fused


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parallel": "fsdp", "quantization": "4bit"}, "sharded"),
        ({"dequantize": True}, "4bit"),
        ({"target_modules": ("no_such_layer",)}, "adapter"),
        ({"max_tokens": 16}, "None of the 22 examples"),
    ],
)
def test_what_cannot_be_applied_is_refused(base: Path, tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        train(tiny.spec(tmp_path, base, **changes))
