"""An adapter as PEFT reads it, so that transformers, vLLM and others can use it. Needs neither MLX nor torch."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from config.errors import InputRefused
from pipeline.training import files

FOLDER = "peft"  # beside an adapter's own files
_PREFIX = "base_model.model."
_PARTS = {"lora_a": "lora_A.weight", "lora_b": "lora_B.weight", "m": "lora_magnitude_vector"}


def export(adapter: Path, output: Path, base_model: str) -> Path:
    """Write the mlx-lm adapter in `adapter` as a PEFT adapter into `output` and return it.

    `base_model` is the name PEFT will look the base up by. PEFT's alpha is scale × rank.
    """
    from safetensors.numpy import load_file, save

    try:
        config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        weights = load_file(adapter / "adapters.safetensors")
    except (OSError, ValueError) as error:
        raise InputRefused(f"{adapter} holds no adapter.", "Repeat the training stage.") from error
    arrays = {_name(name): value.T.copy() for name, value in weights.items()}
    temporary = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    files.write(temporary / "adapter_model.safetensors", save(arrays, metadata={"format": "pt"}))
    about = json.dumps(_config(config, weights, base_model), indent=2, sort_keys=True)
    files.write(temporary / "adapter_config.json", about.encode() + b"\n")
    files.rename_folder(temporary, output)
    return output


def restore(adapter: Path, output: Path, about: dict[str, Any]) -> Path:
    """Write the PEFT adapter in `adapter` as an mlx-lm adapter into `output` and return it: `export` the other way.

    `about` is kept in its configuration. Raises InputRefused for what isn't a LoRA or DoRA of a causal model,
    or has another scale or rank in some layers.
    """
    from safetensors.numpy import load_file, save

    try:
        config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        weights = load_file(adapter / "adapter_model.safetensors")
        arrays = {_plain(name): value.T.astype("float32").copy() for name, value in weights.items()}
        parameters = _parameters(config, arrays)
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise InputRefused(f"{adapter} holds no PEFT adapter we can read ({error}).", "Train it again.") from error
    output.mkdir(parents=True, exist_ok=True)
    layers = {_layer(name) for name in arrays}
    kind = "dora" if config.get("use_dora") else "lora"
    told = {"fine_tune_type": kind, "num_layers": len(layers), "lora_parameters": parameters, "fixsmith": about}
    files.write(output / "adapters.safetensors", save(dict(sorted(arrays.items())), metadata={"format": "mlx"}))
    files.write(output / "adapter_config.json", (json.dumps(told, indent=2, sort_keys=True) + "\n").encode())
    return output


def _plain(name: str) -> str:
    """Return mlx-lm's name of a PEFT weight; KeyError for one it has no place for."""
    for mine, theirs in _PARTS.items():
        if name.startswith(_PREFIX) and name.endswith(f".{theirs}"):
            return f"{name.removeprefix(_PREFIX).removesuffix(theirs)}{mine}"
    raise KeyError(name)


def _parameters(config: dict[str, Any], arrays: Iterable[str]) -> dict[str, Any]:
    """Return mlx-lm's parameters; ValueError where it has no way of saying the same."""
    refused = ("rank_pattern", "alpha_pattern", "use_rslora", "modules_to_save")
    given = [name for name in refused if config.get(name)]
    if config.get("peft_type") != "LORA" or given or config.get("bias", "none") != "none":
        raise ValueError(f"peft_type {config.get('peft_type')}, {', '.join(given) or 'bias'}")
    keys = sorted({re.sub(r".*layers\.\d+\.", "", name).rpartition(".")[0] for name in arrays})
    scale = config["lora_alpha"] / config["r"]
    return {"rank": config["r"], "scale": scale, "dropout": config.get("lora_dropout", 0.0), "keys": keys}


def _layer(name: str) -> int:
    found = re.search(r"layers\.(\d+)\.", name)
    if found is None:
        raise InputRefused(f"The adapter changes {name}, which is in no block.", "Train the blocks alone.")
    return int(found[1])


def _name(name: str) -> str:
    module, _, part = name.rpartition(".")
    return f"{_PREFIX}{module}.{_PARTS[part]}"


def _config(config: dict[str, Any], weights: Iterable[str], base_model: str) -> dict[str, Any]:
    parameters = config["lora_parameters"]
    layers = {_layer(name) for name in weights}
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "r": parameters["rank"],
        "lora_alpha": parameters["scale"] * parameters["rank"],
        "lora_dropout": parameters["dropout"],
        "target_modules": sorted({str(key).rsplit(".", 1)[-1] for key in parameters["keys"]}),
        "layers_to_transform": sorted(layers),
        "layers_pattern": "layers",
        "bias": "none",
        "use_dora": config["fine_tune_type"] == "dora",
        "inference_mode": True,
    }
