"""What comes out: adapters plain mlx-lm loads, fused models that say the same, stage 1 not forgotten."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import mlx.core as mx
import msgspec
import numpy as np
import pytest

from pipeline.models.load import answer_losses, answers, first_object_closed, load
from pipeline.training import forgetting, peft
from pipeline.training.mlx import adapters, fuse
from pipeline.training.mlx.backend import MlxBackend
from pipeline.training.mlx.training import train
from pipeline.training.recipe import Recipe

from .conftest import conversation

GOOD = {"max_epochs": 8, "learning_rate": 1e-2, "eval_steps": 8}


def quiet(event) -> None:
    pass


@pytest.fixture
def trained(job):
    made = job(**GOOD)
    result = train(made, quiet, lambda: False)
    return made, result


def test_the_loss_falls_and_the_figures_say_so(trained) -> None:
    made, result = trained
    assert result.train_loss_last < 0.7 * result.train_loss_first
    assert result.valid_loss_best < result.valid_loss_first
    assert result.examples == 11 and result.examples_seen == 88 and result.tokens_seen > 88 * 100
    lines = [json.loads(line) for line in (Path(made.output) / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, result.steps + 1))


def test_plain_mlx_lm_loads_the_adapter(trained) -> None:
    from mlx_lm import load as plain_load

    made, _ = trained
    ids = mx.array([[5, 6, 7, 8]])
    plain = plain_load(made.base_model, adapter_path=made.output)[0](ids)
    base = plain_load(made.base_model)[0](ids)
    ours = load(Path(made.base_model), Path(made.output))[0](ids)
    assert mx.abs(plain - ours).max().item() < 1e-5
    assert mx.abs(plain - base).max().item() > 1e-2


def test_plain_mlx_lm_loads_the_adapter_of_a_quantised_base_as_the_documentation_says(job, tmp_path: Path) -> None:
    from mlx_lm import load as plain_load

    made = job(quantization="4bit", **GOOD | {"max_epochs": 2})
    train(made, quiet, lambda: False)
    page = (Path(__file__).parents[2] / "docs/training.md").read_text()
    program = page.split("```python\n")[1].split("```")[0]
    exec(program.replace("BASE", made.base_model).replace("base-4bit", str(tmp_path / "base")), {})
    ids = mx.array([[5, 6, 7, 8]])
    ours = load(Path(made.base_model), Path(made.output))[0](ids)
    found = plain_load(str(tmp_path / "base"), adapter_path=made.output)[0](ids)
    unquantised = plain_load(made.base_model, adapter_path=made.output)[0](ids)
    assert mx.abs(found - ours).max().item() < 1e-4
    assert mx.abs(unquantised - ours).max().item() > 1e-3


def test_the_best_adapter_is_the_one_written(trained) -> None:
    made, result = trained
    model, tokenizer = load(Path(made.base_model), Path(made.output))
    losses = answer_losses(model, tokenizer, [conversation(number)["messages"] for number in range(20, 24)])
    flat = [value for each in losses for value in each]
    assert sum(flat) / len(flat) == pytest.approx(result.valid_loss_best, abs=1e-3)


@pytest.mark.parametrize("model", ["olmo2", "olmo3", "llama"])
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_a_fused_model_says_what_base_and_adapter_say(job, tmp_path: Path, model: str, kind: str) -> None:
    made = job(model=model, use_dora=kind == "dora", **GOOD | {"max_epochs": 2})
    train(made, quiet, lambda: False)
    outcome = fuse.fuse(Path(made.base_model), Path(made.output), tmp_path / "fused")
    assert outcome == {"dequantized": False, "error": pytest.approx(0.0, abs=1e-3)}
    ids = mx.array([[5, 6, 7, 8, 9]])
    fused = load(tmp_path / "fused")[0](ids)
    assert mx.abs(fused - load(Path(made.base_model), Path(made.output))[0](ids)).max().item() < 1e-4


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_fusing_into_a_quantised_base_is_done_dequantised(job, tmp_path: Path, bits: str) -> None:
    made = job(quantization=bits, **GOOD | {"max_epochs": 2, "learning_rate": 1e-3})
    train(made, quiet, lambda: False)
    outcome = fuse.fuse(Path(made.base_model), Path(made.output), tmp_path / "fused")
    assert outcome["dequantized"] and outcome["error"] < fuse.TOLERANCE
    assert_fused_says_the_same(made.base_model, made.output, tmp_path / "fused")


def test_an_adapter_larger_than_a_quantisation_step_is_fused_into_a_model_that_loads(models, tmp_path: Path) -> None:
    base, recipe = models("olmo2"), Recipe(rank=4, alpha=8.0, quantization="8bit")
    model, _ = load(base, quantization="8bit")
    weights = adapters.attach(model, recipe)
    mx.random.seed(2)
    large = {
        name: mx.random.normal(value.shape) * 0.1 if name.endswith("lora_b") else value
        for name, value in weights.items()
    }
    adapters.write(tmp_path / "adapter", large, model, recipe)
    fuse.fuse(base, tmp_path / "adapter", tmp_path / "fused")
    assert_fused_says_the_same(str(base), str(tmp_path / "adapter"), tmp_path / "fused")


def test_fusing_into_a_base_that_came_quantised_is_done_dequantised(job, models, tmp_path: Path) -> None:
    from mlx_lm.utils import load as plain_load
    from mlx_lm.utils import quantize_model, save

    model, tokenizer, config = plain_load(str(models("olmo2")), return_config=True)
    model, config = quantize_model(model, config, 64, 4)
    save(tmp_path / "base", models("olmo2"), model, tokenizer, config)
    made = msgspec.structs.replace(job(**GOOD | {"max_epochs": 2}), base_model=str(tmp_path / "base"))
    train(made, quiet, lambda: False)
    outcome = fuse.fuse(tmp_path / "base", Path(made.output), tmp_path / "fused")
    assert outcome["dequantized"] and outcome["error"] < fuse.TOLERANCE
    assert_fused_says_the_same(made.base_model, made.output, tmp_path / "fused")


def assert_fused_says_the_same(base: str, adapter: str, fused: Path) -> None:
    ids = mx.array([[5, 6, 7, 8, 9]])
    assert mx.abs(load(fused)[0](ids) - load(Path(base), Path(adapter))[0](ids)).max().item() < 1e-3


def test_fusing_that_would_change_the_answers_is_refused(trained, tmp_path: Path, monkeypatch) -> None:
    made, _ = trained
    monkeypatch.setattr(fuse, "TOLERANCE", -1.0)
    with pytest.raises(fuse.FusingRefused):
        fuse.fuse(Path(made.base_model), Path(made.output), tmp_path / "fused")
    assert not (tmp_path / "fused").exists()


def test_the_peft_export_holds_the_same_product(trained, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    made, _ = trained
    folder = peft.export(Path(made.output), tmp_path / "peft", "owner/base")
    config = json.loads((folder / "adapter_config.json").read_text())
    weights, ours = (
        load_file(folder / "adapter_model.safetensors"),
        load_file(Path(made.output) / "adapters.safetensors"),
    )
    assert len(weights) == len(ours) == 3 * 7 * 2
    name = "model.layers.1.mlp.up_proj"
    product = weights[f"base_model.model.{name}.lora_B.weight"] @ weights[f"base_model.model.{name}.lora_A.weight"]
    scale = json.loads((Path(made.output) / "adapter_config.json").read_text())["lora_parameters"]["scale"]
    wanted = scale * (ours[f"{name}.lora_a"] @ ours[f"{name}.lora_b"]).T
    np.testing.assert_allclose(config["lora_alpha"] / config["r"] * product, wanted, rtol=1e-5, atol=1e-7)
    assert config["layers_to_transform"] == [0, 1, 2]


PEFT_LOGITS = """
import json, sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
model = PeftModel.from_pretrained(model, sys.argv[2]).eval()
with torch.no_grad():
    print(json.dumps(model(torch.tensor([[5, 6, 7, 8, 9]])).logits[0].tolist()))
"""


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("model", ["olmo2", "llama"])
def test_peft_loads_the_export_and_says_the_same(job, tmp_path: Path, model: str, kind: str) -> None:
    python = os.environ.get("FIXSMITH_PEFT_PYTHON") or (sys.executable if find_spec("peft") else None)
    if python is None:
        pytest.skip("peft isn't installed; FIXSMITH_PEFT_PYTHON can name an interpreter that has it")
    made = job(model=model, use_dora=kind == "dora", **GOOD | {"max_epochs": 2, "layers": 2})
    train(made, quiet, lambda: False)
    folder = peft.export(Path(made.output), tmp_path / "peft", made.base_model)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "LD_PRELOAD")}
    command = [python, "-c", PEFT_LOGITS, made.base_model, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = np.array(json.loads(done.stdout.splitlines()[-1]))
    ours, base = (
        load(Path(made.base_model), adapter)[0](mx.array([[5, 6, 7, 8, 9]]))[0] for adapter in (Path(made.output), None)
    )
    assert np.abs(found - np.array(base)).max() > 1e-2
    np.testing.assert_allclose(found, np.array(ours), atol=2e-4)


def test_stage_two_starts_where_stage_one_ended(trained, job) -> None:
    made, _ = trained
    events = []
    two = job("two", stage_one=Path(made.output), **GOOD)
    result = train(two, events.append, lambda: False)
    assert result.replay_loss_before < 0.7 * trained[1].valid_loss_first
    assert result.replay_loss_after is not None and result.replay_share == 0.1
    assert result.valid_loss_best < result.valid_loss_first


def test_replay_and_kl_keep_more_of_stage_one(trained, job) -> None:
    start = Path(trained[0].output)
    bare = train(job("bare", stage_one=start, **GOOD | {"replay_share": 0.0}), quiet, lambda: False)
    replayed = train(job("replayed", stage_one=start, **GOOD | {"replay_share": 0.5}), quiet, lambda: False)
    held = train(job("held", stage_one=start, **GOOD | {"replay_share": 0.0, "kl_weight": 2.0}), quiet, lambda: False)
    assert replayed.replay_loss_after < bare.replay_loss_after
    assert held.replay_loss_after < bare.replay_loss_after


@pytest.mark.slow
def test_too_much_forgotten_means_once_more_with_more_replay(trained, job) -> None:
    events = []
    two = job("two", stage_one=Path(trained[0].output), **GOOD | {"forgetting_budget": 0.0, "replay_share": 0.1})
    first = train(msgspec.structs.replace(two, work=two.work + "-x", output=two.output + "-x"), quiet, lambda: False)
    result = MlxBackend().train(two, events.append)
    assert any("training again with 25%" in event.message for event in events)
    assert result.replay_share == 0.25 and result.adapter == two.output
    assert forgetting.loss_rise(result) < forgetting.loss_rise(first)
    assert (Path(two.output) / "loss.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["adapters.safetensors", "adapter_config.json"])
@pytest.mark.parametrize("size", [0, 10, 200])
def test_a_damaged_adapter_of_stage_one_is_refused(trained, job, tmp_path: Path, name: str, size: int) -> None:
    from config.errors import InputRefused

    shutil.copytree(trained[0].output, tmp_path / "damaged")
    os.truncate(tmp_path / "damaged" / name, size)
    with pytest.raises(InputRefused, match="damaged"):
        train(job("two", stage_one=tmp_path / "damaged", **GOOD), quiet, lambda: False)


def test_an_adapter_of_another_rank_is_refused(trained, job) -> None:
    from config.errors import InputRefused

    with pytest.raises(InputRefused, match="another rank"):
        train(job("two", stage_one=Path(trained[0].output), **GOOD | {"rank": 8}), quiet, lambda: False)


def test_evaluation_scores_every_answer_of_a_longer_talk_and_nothing_else(trained) -> None:
    from pipeline.evaluation.engine import Engine
    from pipeline.records import Example, Message

    base, adapter = Path(trained[0].base_model), Path(trained[0].output)
    more = [{"role": "user", "content": "and this one?"}, {"role": "assistant", "content": "no"}]
    messages = [*conversation(1)["messages"], *more]
    wanted = answer_losses(*load(base, adapter), [messages])[0]
    engine = Engine(base)
    engine.wear(adapter)
    example = Example(messages=tuple(Message(**message) for message in messages), metadata={})
    assert [loss.tokens for loss in engine.loss("m", "analysis", [example])] == [len(wanted)]
    assert engine._losses(example) == pytest.approx(wanted, abs=1e-4)


def test_answers_stop_where_they_are_told_to(trained) -> None:
    made, _ = trained
    model, tokenizer = load(Path(made.base_model), Path(made.output))
    asked = [conversation(number)["messages"][:2] for number in (3, 20, 9)]
    together = answers(model, tokenizer, asked, 30)
    assert together == [answers(model, tokenizer, [messages], 30)[0] for messages in asked]
    for text, stopped in zip(together, answers(model, tokenizer, asked, 30, first_object_closed), strict=True):
        assert text.startswith(stopped) and (stopped == text or first_object_closed(stopped))
