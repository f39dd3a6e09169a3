"""Whatever mlx-lm can build is trained exactly, or refused by name; and what a recipe asks is done or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.errors import InputRefused, UsageError
from pipeline.models import tiny
from pipeline.models.load import load
from pipeline.training.backend import TrainingJob
from pipeline.training.mlx import adapters, architecture
from pipeline.training.mlx.architecture import packable
from pipeline.training.mlx.step import Stepper
from pipeline.training.mlx.training import train
from pipeline.training.recipe import Recipe

from .test_packing import assert_equal_gradients, examples, prepared, unpacked

PACKED: dict[str, dict[str, Any]] = {
    "mistral": {"sliding_window": 24, "tie_word_embeddings": False},
    "qwen2": {"tie_word_embeddings": True},
    "qwen2-yarn": {"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}},
    "qwen3": {"tie_word_embeddings": True},
    "llama-window": {"layer_types": ["sliding_attention", "full_attention"] * 2, "sliding_window": 24},
    "llama-bias": {"attention_bias": True, "mlp_bias": True},
    "llama-scaled": {"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                     "high_freq_factor": 4.0, "original_max_position_embeddings": 32}},
    "llama-linear": {"rope_scaling": {"rope_type": "linear", "factor": 4.0}},
    "olmo2-tied": {"tie_word_embeddings": True},
}  # fmt: skip
ALONE: dict[str, dict[str, Any]] = {
    "llama-dynamic": {"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}, "max_position_embeddings": 32},
    "gemma": {},
    "gemma3_text": {"sliding_window": 24, "sliding_window_pattern": 2, "query_pre_attn_scalar": 16},
    "phi": {"partial_rotary_factor": 0.5, "layer_norm_eps": 1e-5},
    "phi3": {},
    "qwen3_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "decoder_sparse_step": 1,
                  "mlp_only_layers": [], "norm_topk_prob": True},
}  # fmt: skip
REFUSED: dict[str, dict[str, Any]] = {
    "gemma2": {"query_pre_attn_scalar": 16},
    "cohere": {"layer_norm_eps": 1e-5},
    "granite": {"logits_scaling": 4.0, "attention_multiplier": 0.25, "embedding_multiplier": 1.0,
                "residual_multiplier": 1.0, "attention_bias": False, "mlp_bias": False},
    "gpt_neox": {"rotary_emb_base": 10000, "rotary_pct": 0.25, "layer_norm_eps": 1e-5},
}  # fmt: skip
ALL = PACKED | ALONE | REFUSED


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the folder of a tiny random model, made once."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("architectures") / name
            made[name].mkdir()
            config = tiny.SIZES | {"model_type": name.split("-")[0], "vocab_size": tiny._tokenizer(made[name])}
            config |= {"eos_token_id": 0, "num_hidden_layers": 4} | ALL[name]
            (made[name] / "config.json").write_text(json.dumps(config))
            tiny._weights(made[name], config, 0)
        return made[name]

    return get


@pytest.mark.parametrize("name", [*PACKED, *ALONE])
def test_every_architecture_has_the_losses_and_gradients_of_its_own_forward_pass(folders, name: str) -> None:
    model, recipe, weights = prepared(folders(name))
    assert packable(model) == (name in PACKED)
    architecture.check(model, examples())
    wanted, gradients = unpacked(model, weights, examples())
    found = Stepper(model, recipe, examples(), 4096).step([0, 1, 2], weights, 0)
    assert found.loss.item() == pytest.approx(wanted, abs=2e-5)
    assert_equal_gradients(found.gradients, gradients)


@pytest.mark.parametrize("name", REFUSED)
def test_an_architecture_whose_logits_are_made_otherwise_is_refused_by_name(folders, job, name: str) -> None:
    with pytest.raises(InputRefused, match=f"architecture {name} can't be trained"):
        trained(job(), folders(name))


def test_what_is_computed_one_by_one_is_trained_with_kl_and_not_silently_without_recomputation(folders, job) -> None:
    one = trained(job("one", max_epochs=1), folders("phi"))
    two = job("two", stage_one=Path(one.output), kl_weight=0.5, replay_share=0.2, max_epochs=1)
    assert (Path(trained(two, folders("phi")).output) / "adapters.safetensors").is_file()
    with pytest.raises(UsageError, match="architecture phi can't be recomputed"):
        trained(job("three", gradient_checkpointing=True), folders("phi"))


@pytest.mark.parametrize("mode", ["affine", "mxfp4"])
def test_a_base_that_came_quantised_everywhere_has_its_own_losses_and_gradients(folders, mode: str) -> None:
    from mlx import nn

    model, _ = load(folders("qwen2"))
    nn.quantize(
        model, **({"group_size": 64, "bits": 4} if mode == "affine" else {"group_size": 32, "bits": 4}), mode=mode
    )
    recipe = Recipe(rank=4, alpha=8.0)
    weights = adapters.attach(model, recipe)
    wanted, gradients = unpacked(model, weights, examples())
    found = Stepper(model, recipe, examples(), 4096).step([0, 1, 2], weights, 0)
    assert found.loss.item() == pytest.approx(wanted, abs=5e-5)
    assert_equal_gradients(found.gradients, gradients)


def trained(job: TrainingJob, base: Path) -> TrainingJob:
    made = msgspec.structs.replace(job, base_model=str(base))
    train(made, lambda event: None, lambda: False)
    return made
