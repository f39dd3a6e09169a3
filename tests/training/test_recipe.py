"""Every key of the recipe is applied: change it, and training changes in the way it says."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import msgspec
import pytest

from config.errors import UsageError
from pipeline.models.load import load
from pipeline.training.backend import TrainingError
from pipeline.training.mlx.training import train
from pipeline.training.recipe import Recipe

BASE = {"max_epochs": 2, "warmup_steps": 2, "batch_size": 2, "eval_steps": 50, "save_steps": 50}
CHANGES = {
    "batch_size": 4, "gradient_accumulation": 2, "max_epochs": 3, "learning_rate": 1e-3, "warmup_steps": 0,
    "schedule": "constant", "weight_decay": 0.5, "gradient_clip": 0.01, "seed": 1, "rank": 2, "alpha": 4.0,
    "dropout": 0.3, "target_modules": ("q_proj", "v_proj"), "layers": 1, "use_dora": True, "quantization": "4bit",
    "max_tokens": 145, "prompt_loss_weight": 0.5,
}  # fmt: skip
SAME_RESULT = {
    "token_budget", "shared_prefix", "save_steps", "eval_steps", "early_stopping_patience", "keep_checkpoints",
    "gradient_checkpointing", "memory_limit_gigabytes", "segment_seconds", "pause_seconds",
}  # fmt: skip
STAGE_TWO = {"replay_share": 0.5, "kl_weight": 1.0}
ELSEWHERE = {"forgetting_budget"}


def trained(job) -> bytes:
    train(job, lambda event: None, lambda: False)
    return (Path(job.output) / "adapters.safetensors").read_bytes()


@pytest.fixture(scope="module")
def plain() -> dict[str, bytes]:
    return {}


def test_every_key_is_looked_at_here() -> None:
    known = {field.name for field in msgspec.structs.fields(Recipe)}
    assert known == {*CHANGES, *SAME_RESULT, *STAGE_TWO, *ELSEWHERE}


def test_every_key_can_be_set_in_the_settings() -> None:
    from config.settings import FineTuning, Settings
    from pipeline.training.stages import analysis_recipe

    changed = {"use_dora": True, "target_modules": ("q_proj",), "kl_weight": 0.5, "forgetting_budget": 0.3, "rank": 3}
    recipe = analysis_recipe(Settings(fine_tuning=FineTuning(**changed)))
    assert {name: getattr(recipe, name) for name in changed} == changed
    assert {field.name for field in msgspec.structs.fields(Recipe)} <= {
        field.name for field in msgspec.structs.fields(FineTuning)
    }


def test_accumulated_batches_are_one_batch_weighted_by_tokens(job) -> None:
    losses = []
    for name, sizes in (("whole", (4, 1)), ("parts", (2, 2))):
        made = job(name, **BASE | dict(zip(("batch_size", "gradient_accumulation"), sizes, strict=True)))
        trained(made)
        lines = (Path(made.output) / "metrics.jsonl").read_text().splitlines()
        losses.append([json.loads(line).get("loss", 0.0) for line in lines])
    assert losses[0] == pytest.approx(losses[1], abs=2e-3)


def test_no_layers_at_all_is_an_error_and_not_every_layer(job) -> None:
    with pytest.raises(UsageError, match="nothing would be trained"):
        trained(job(layers=0))


@pytest.mark.parametrize("key", CHANGES)
def test_a_changed_key_changes_the_adapter(job, key: str) -> None:
    assert trained(job("plain", **BASE)) != trained(job("changed", **BASE | {key: CHANGES[key]}))


@pytest.mark.parametrize("key", STAGE_TWO)
def test_a_changed_key_changes_stage_two(job, key: str) -> None:
    one = job("one", **BASE)
    trained(one)
    start = Path(one.output)
    quiet = BASE | {"replay_share": 0.0}
    plain = trained(job("plain", stage_one=start, **quiet))
    assert plain != trained(job("changed", stage_one=start, **quiet | {key: STAGE_TWO[key]}))


def test_validation_and_checkpoints_leave_the_adapter_as_it_was(job) -> None:
    plain = trained(job("plain", **BASE | {"early_stopping_patience": 0, "eval_steps": 6}))
    often = trained(job("often", **BASE | {"early_stopping_patience": 0, "eval_steps": 2, "save_steps": 1}))
    assert plain == often


def test_steps_between_validations_and_checkpoints_are_kept(job) -> None:
    events = []
    train(job(**BASE | {"eval_steps": 4, "save_steps": 3, "keep_checkpoints": 3}), events.append, lambda: False)
    assert [event.step for event in events if event.kind == "valid"] == [0, 4, 8, 12]
    assert [event.step for event in events if event.kind == "checkpoint"] == [3, 6, 9, 12]


@pytest.mark.parametrize("keep", [1, 3])
def test_the_newest_checkpoints_are_kept(job, keep: int) -> None:
    made = job(**BASE | {"save_steps": 2, "keep_checkpoints": keep})
    trained(made)
    folders = sorted(path.name for path in (Path(made.work) / "checkpoints").iterdir())
    assert folders == [f"step-{step:08d}" for step in (8, 10, 12)[-keep:]]


def test_a_token_budget_bounds_the_rows(job) -> None:
    from pipeline.training.mlx.memory import Plan

    made = job(**BASE | {"token_budget": 300, "batch_size": 8})
    trained(made)
    plan = msgspec.json.decode((Path(made.work) / "plan.json").read_bytes(), type=Plan)
    assert plan.token_budget == 300


def test_gradient_checkpointing_takes_less_memory_and_gives_the_same_losses(job) -> None:
    plain = train(job("plain", **BASE | {"dropout": 0.2}), lambda event: None, lambda: False)
    less = train(
        job("less", **BASE | {"dropout": 0.2, "gradient_checkpointing": True}), lambda event: None, lambda: False
    )
    assert less.train_loss_last == pytest.approx(plain.train_loss_last, abs=1e-4)
    peaks = [
        msgspec.json.decode((Path(result.adapter).parent / "work/plan.json").read_bytes()) for result in (plain, less)
    ]
    assert peaks[1]["peak_bytes"] < peaks[0]["peak_bytes"]


def test_too_little_memory_lowers_the_budget_and_says_so(job) -> None:
    wide = job("wide", **BASE | {"batch_size": 8})
    train(wide, lambda event: None, lambda: False)
    peak = msgspec.json.decode((Path(wide.work) / "plan.json").read_bytes())["peak_bytes"]
    events = []
    limited = job("limited", **BASE | {"batch_size": 8, "memory_limit_gigabytes": peak * 0.8 / 1e9})
    train(limited, events.append, lambda: False)
    assert any("rows are" in event.message for event in events if event.kind == "warning")


def test_what_the_kl_term_keeps_counts_as_memory(job, monkeypatch) -> None:
    from pipeline.training.mlx import memory

    one = job("one", **BASE)
    trained(one)
    monkeypatch.setattr(memory, "reference_bytes", lambda model, data: 10**9 - 1000)
    two = {"stage_one": Path(one.output), "memory_limit_gigabytes": 1.0}
    trained(job("without", **BASE | two))
    with pytest.raises(TrainingError, match="GB"):
        trained(job("with", **BASE | two | {"kl_weight": 0.5}))


def test_when_nothing_fits_it_says_what_to_do(job) -> None:
    with pytest.raises(TrainingError, match="GB") as caught:
        train(job(**BASE | {"memory_limit_gigabytes": 1e-4}), lambda event: None, lambda: False)
    assert "max_tokens" in caught.value.hint


def test_memory_that_cannot_be_had_is_too_much_and_other_errors_are_errors(job, monkeypatch) -> None:
    from pipeline.training.mlx.step import Stepper

    def fails(message: str) -> None:
        def step(*_: object) -> None:
            raise RuntimeError(message)

        monkeypatch.setattr(Stepper, "step", step)

    fails("[malloc] Unable to allocate 99 bytes.")
    with pytest.raises(TrainingError, match="more than there is"):
        train(job(**BASE), lambda event: None, lambda: False)
    fails("[matmul] shapes differ")
    with pytest.raises(RuntimeError, match="matmul"):
        train(job(**BASE), lambda event: None, lambda: False)


def test_on_metal_what_is_wired_is_bounded_too(monkeypatch) -> None:
    from pipeline.training.mlx import memory

    wired = []
    monkeypatch.setattr(memory.mx.metal, "is_available", lambda: True)
    monkeypatch.setattr(memory.mx, "device_info", lambda: {"max_recommended_working_set_size": 7_000})
    monkeypatch.setattr(memory.mx, "set_wired_limit", wired.append)
    for name in ("set_memory_limit", "set_cache_limit"):
        monkeypatch.setattr(memory.mx, name, lambda limit: None)
    memory.bound(9_000)
    memory.bound(5_000)
    assert wired == [7_000, 5_000]


def test_early_stopping_keeps_the_best_and_stops(job) -> None:
    hot = BASE | {"learning_rate": 0.3, "schedule": "constant", "max_epochs": 20, "eval_steps": 2}
    result = train(
        job(**hot | {"early_stopping_patience": 2, "gradient_clip": 100.0}), lambda event: None, lambda: False
    )
    assert result.stopped_early and result.steps < 120
    assert result.valid_loss_best <= result.valid_loss_first
    assert result.steps - result.best_step == 4


@pytest.mark.parametrize("key", ["layers", "target_modules"])
def test_what_the_model_does_not_have_is_refused(job, key: str) -> None:
    wrong = {"layers": 99, "target_modules": ("no_such_proj",)}[key]
    with pytest.raises(UsageError):
        train(job(**BASE | {key: wrong}), lambda event: None, lambda: False)


def test_segments_pause_on_metal_only(job, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.training.mlx import loop, memory

    slept = []
    monkeypatch.setattr(loop.time, "sleep", slept.append)
    monkeypatch.setattr(loop.mx.metal, "is_available", lambda: True)
    monkeypatch.setattr(memory, "bound", lambda limit: None)
    train(job(**BASE | {"segment_seconds": 1e-6, "pause_seconds": 0.125}), lambda event: None, lambda: False)
    assert slept == [0.125] * 12


def test_a_loss_that_is_not_a_number_names_step_and_example(job, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.training.backend import NonFiniteTraining

    with pytest.raises(NonFiniteTraining, match=r"step \d+, in .*analysis-\d+"):
        train(
            job(**BASE | {"learning_rate": 1.0, "alpha": 1e30, "gradient_clip": 1e9, "warmup_steps": 0}),
            lambda event: None,
            lambda: False,
        )


@pytest.mark.parametrize(
    ("file", "number", "said"),
    [
        ("train", 3, r"step 1, in train.jsonl:4 \(analysis-3\)\."),
        ("valid", 1, r"after step 0 is not a number, in valid.jsonl:2 \(analysis-21\)\."),
    ],
)
def test_only_the_example_that_is_broken_is_named(job, tmp_path: Path, file: str, number: int, said: str) -> None:
    from pipeline.models import tiny
    from pipeline.training.backend import NonFiniteTraining

    model = tiny.make(tmp_path / "broken", "olmo2")
    weights = mx.load(str(model / "model.safetensors"))
    token = load(model)[1].encode("\x7f", add_special_tokens=False)[0]
    mx.eval(weights)  # read before the file is written anew
    weights["model.embed_tokens.weight"][token] = float("nan")
    mx.save_safetensors(str(model / "model.safetensors"), weights, metadata={"format": "mlx"})
    made = msgspec.structs.replace(job(**BASE | {"batch_size": 11}), base_model=str(model))
    path = Path(getattr(made, file))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[number]["messages"][1]["content"] += "\x7f"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(NonFiniteTraining, match=said):
        train(made, lambda event: None, lambda: False)


def test_divergence_and_no_learning_are_noticed(job) -> None:
    still = train(job("still", **BASE | {"learning_rate": 1e-9, "max_epochs": 4}), lambda event: None, lambda: False)
    assert any("hardly falls" in message for message in still.warnings)
    good = job("good", **BASE | {"max_epochs": 8, "learning_rate": 1e-2})
    trained(good)
    wild = BASE | {"learning_rate": 0.5, "schedule": "constant", "max_epochs": 6, "gradient_clip": 100.0}
    again = msgspec.structs.replace(good, recipe=Recipe(rank=4, alpha=8.0, **wild | {"eval_steps": 4}))
    again = msgspec.structs.replace(again, work=again.work + "2", resume_adapter=good.output, output=good.output + "2")
    diverged = train(again, lambda event: None, lambda: False)
    assert any("diverges" in message for message in diverged.warnings)
