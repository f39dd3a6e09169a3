"""The adapter: put into the model, read, and written as plain mlx-lm reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers

from config.errors import InputRefused, UsageError
from pipeline.training import files
from pipeline.training.recipe import Recipe, scale

WEIGHTS = "adapters.safetensors"
CONFIG = "adapter_config.json"
Weights = dict[str, mx.array]


def attach(model: Any, recipe: Recipe) -> Weights:
    """Freeze the model, give it fresh adapters, and return them by name. Same seed, same adapters."""
    keys = module_keys(model, recipe)
    mx.random.seed(recipe.seed)
    model.freeze()
    parameters = {"rank": recipe.rank, "scale": scale(recipe), "dropout": recipe.dropout, "keys": keys}
    linear_to_lora_layers(model, layer_count(model, recipe), parameters, use_dora=recipe.use_dora)
    weights = dict(tree_flatten(model.trainable_parameters()))
    mx.eval(weights)
    return weights


def layer_count(model: Any, recipe: Recipe) -> int:
    """Return how many upper blocks get adapters; raises `UsageError` for none, and for more than there are."""
    there = len(model.layers)
    if recipe.layers == 0:
        raise UsageError("With `layers: 0` nothing would be trained.", "Set -1 for all blocks, or how many upper ones.")
    if recipe.layers > there:
        raise UsageError(f"The model has {there} blocks, not {recipe.layers}.", f"Set `layers` to at most {there}.")
    return there if recipe.layers < 1 else recipe.layers


def module_keys(model: Any, recipe: Recipe) -> list[str]:
    """Return the paths inside a block of the linear layers that get an adapter, in order."""
    kinds = (nn.Linear, nn.QuantizedLinear)
    there = [name for name, module in model.layers[-1].named_modules() if isinstance(module, kinds)]
    wanted = recipe.target_modules or tuple(there)
    chosen = [name for name in there if name in wanted or name.split(".")[-1] in wanted]
    known = {*there, *(name.split(".")[-1] for name in there)}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise UsageError(f"The model has no layer {missing[0]}.", f"There are: {', '.join(sorted(there))}.")
    return sorted(chosen)


def read(folder: Path, like: Weights, recipe: Recipe) -> Weights:
    """Return the weights of the adapter in `folder`; raises `InputRefused` if it differs in shape."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise InputRefused(f"{folder} holds no adapter.", "Repeat the stage that trains it.")
    try:
        weights = cast(Weights, mx.load(str(path)))
        mx.eval(weights)
        trained = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["lora_parameters"]["scale"]
    except (RuntimeError, ValueError, OSError, KeyError, TypeError) as error:
        raise InputRefused(f"The adapter in {folder} is damaged.", "Repeat the stage that trains it.") from error
    shapes = {name: value.shape for name, value in weights.items()}
    if shapes != {name: value.shape for name, value in like.items()} or trained != scale(recipe):
        raise InputRefused(
            f"The adapter in {folder} was trained with another rank, alpha, layers or target modules.",
            "Stage 2 goes on from stage 1's adapter: use the same ones for both.",
        )
    return weights


def write(folder: Path, weights: Weights, model: Any, recipe: Recipe) -> None:
    """Write weights and configuration; the same weights give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "fine_tune_type": "dora" if recipe.use_dora else "lora",
        "num_layers": layer_count(model, recipe),
        "lora_parameters": {
            "rank": recipe.rank,
            "scale": scale(recipe),
            "dropout": recipe.dropout,
            "keys": module_keys_attached(model, recipe),
        },
        "fixsmith": {"quantization": recipe.quantization},
    }
    files.write(folder / WEIGHTS, serialized(weights))
    files.write(folder / CONFIG, (json.dumps(config, indent=2, sort_keys=True) + "\n").encode())


def module_keys_attached(model: Any, recipe: Recipe) -> list[str]:
    """Return the paths inside a block of the layers that have an adapter."""
    last = model.layers[-1]
    return sorted(name for name, module in last.named_modules() if "lora_a" in module)


def serialized(weights: Weights) -> bytes:
    """Return weights as the bytes of a safetensors file, in name order."""
    from safetensors.numpy import save

    arrays = {name: np.array(weights[name].astype(mx.float32)) for name in sorted(weights)}
    return bytes(save(arrays, metadata={"format": "mlx"}))
