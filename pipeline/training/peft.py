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


def _name(name: str) -> str:
    module, _, part = name.rpartition(".")
    return f"base_model.model.{module}.{_PARTS[part]}"


def _config(config: dict[str, Any], weights: Iterable[str], base_model: str) -> dict[str, Any]:
    parameters = config["lora_parameters"]
    layers = {int(found.group(1)) for name in weights if (found := re.search(r"layers\.(\d+)\.", name))}
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
