"""The base model, as the recipe wants it, with a LoRA adapter in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from config.errors import InputRefused, UsageError
from pipeline.remote.contract import Base
from pipeline.remote.recipe import Recipe
from pipeline.remote.worker import attention
from pipeline.remote.worker.templates import revision

_UNKNOWN_HEADS = ("final_logit_softcapping", "logits_scaling", "logit_scale")
_HEADER = 1 << 20


def load(base: Base, recipe: Recipe, device: torch.device) -> Any:
    """Return the frozen base model on `device`; raises `InputRefused` for one it can't train."""
    from transformers import AutoModelForCausalLM

    attention.register()
    dtype = torch.bfloat16 if recipe.precision == "bf16" else torch.float32
    try:
        model = AutoModelForCausalLM.from_pretrained(
            base.model,
            **revision(base),
            dtype=dtype,
            attn_implementation=attention.NAME,
            use_safetensors=True,
            trust_remote_code=False,
            device_map={"": device},
            **_quantized(recipe, dtype),
        )
    except (OSError, ValueError) as error:
        raise InputRefused(
            f"The base model {base.model} can't be loaded: {str(error)[:300]}",
            "Name a folder with a safetensors model.",
        ) from error
    _check(model)
    if device.type == "cpu":
        _without_shortcut(model)
    if recipe.dequantize and recipe.quantization == "4bit":
        dequantize(model, dtype)
    model.config.use_cache = False
    return model.requires_grad_(False)


def _quantized(recipe: Recipe, dtype: torch.dtype) -> dict[str, Any]:
    if recipe.quantization == "none":
        return {}
    from transformers import BitsAndBytesConfig

    if recipe.quantization == "8bit":
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_use_double_quant=recipe.double_quantization,
    )
    return {"quantization_config": config}


def _without_shortcut(model: Any) -> None:
    """Keep bitsandbytes from multiplying NF4 weights in bf16 on CPUs that can: validation would move by a hundredth."""
    for part in model.modules():
        if hasattr(part, "support_avx512bf16_for_cpu"):
            part.support_avx512bf16_for_cpu = False


def _check(model: Any) -> None:
    config = model.config.get_text_config()
    scaled = [name for name in _UNKNOWN_HEADS if getattr(config, name, None) not in (None, 1.0, 0.0)]
    head = model.get_output_embeddings()
    if scaled or head is None or getattr(head, "bias", None) is not None or not hasattr(model.get_decoder(), "layers"):
        raise InputRefused(
            f"Models of the kind {config.model_type} can't be trained here: their head is not a plain matrix.",
            "Llama, CodeLlama, Qwen2, Mistral and OLMo models can.",
        )


def dequantize(model: Any, dtype: torch.dtype) -> int:
    """Put each quantised layer's weights back into a plain linear layer of `dtype`; return how many there were."""
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    kinds = (Linear4bit, Linear8bitLt)
    found = [(parent, name, child) for parent, name, child in _children(model) if isinstance(child, kinds)]
    for parent, name, child in found:
        plain = torch.nn.Linear(child.in_features, child.out_features, child.bias is not None, device="meta")
        plain.weight = torch.nn.Parameter(_plain(child.weight).to(dtype), requires_grad=False)
        plain.bias = child.bias
        setattr(parent, name, plain)
    model.hf_quantizer = None
    for name in ("is_quantized", "is_loaded_in_4bit", "is_loaded_in_8bit"):
        setattr(model, name, False)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return len(found)


def _plain(weight: Any) -> torch.Tensor:
    from bitsandbytes.functional import dequantize_4bit, int8_vectorwise_dequant

    if hasattr(weight, "quant_state"):
        four: torch.Tensor = dequantize_4bit(weight.data, weight.quant_state)
        return four
    eight: torch.Tensor = int8_vectorwise_dequant(weight.CB if weight.CB is not None else weight.data, weight.SCB)
    return eight


def _children(model: torch.nn.Module) -> Iterator[tuple[torch.nn.Module, str, torch.nn.Module]]:
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            yield parent, name, child


def adapted(model: Any, recipe: Recipe, resume: Path | None = None) -> Any:
    """Return `model` with the recipe's adapter in it, its first weights from the seed or from `resume`."""
    from peft import LoraConfig, get_peft_model

    chosen = _blocks(len(model.get_decoder().layers), recipe)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type, unused-ignore]
        lora_dropout=recipe.dropout,
        target_modules=sorted(recipe.target_modules or linear_names(model)),
        layers_to_transform=chosen,
        layers_pattern="layers" if chosen else None,
        use_dora=recipe.use_dora,
        bias="none",
    )
    torch.manual_seed(recipe.seed)
    try:
        result = get_peft_model(model, config, autocast_adapter_dtype=True)
    except ValueError as error:
        raise InputRefused(
            f"The adapter doesn't fit the model: {str(error)[:300]}", "Look at `target_modules` and `layers`."
        ) from error
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if resume:
        put(result, _read(resume))
    return result


def _blocks(there: int, recipe: Recipe) -> list[int] | None:
    """Return the upper blocks that get adapters, None for all; raises `UsageError` for more than there are."""
    if recipe.layers > there:
        raise UsageError(f"The model has {there} blocks, not {recipe.layers}.", f"Set `layers` to at most {there}.")
    return None if recipe.layers < 1 else list(range(there - recipe.layers, there))


def linear_names(model: Any) -> set[str]:
    """Return the names of the linear layers inside a block."""
    block = model.get_decoder().layers[0]
    return {name.rsplit(".", 1)[-1] for name, part in block.named_modules() if hasattr(part, "in_features")}


def _read(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    try:
        return load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError) as error:
        raise InputRefused(f"{folder} holds no PEFT adapter.", "Repeat the first stage.") from error


def weights(model: Any) -> dict[str, torch.Tensor]:
    """Return a copy of the adapter's weights in memory, named as PEFT names them."""
    from peft import get_peft_model_state_dict

    found = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in sorted(found.items())}


def put(model: Any, values: dict[str, torch.Tensor]) -> None:
    """Put adapter weights into the model; raises `InputRefused` when they are another adapter's."""
    from peft import set_peft_model_state_dict

    mine = {name: value.shape for name, value in weights(model).items()}
    if mine != {name: value.shape for name, value in values.items()}:
        raise InputRefused("The adapter to go on from has another shape.", "Keep rank, layers and target modules.")
    set_peft_model_state_dict(model, values)


def digest(base: Base) -> str:
    """Return what tells one base model from another: files' names, sizes and beginnings, or id and commit."""
    folder = Path(base.model)
    total = hashlib.sha256()
    if not folder.is_dir():
        total.update(f"{base.model}@{base.revision}".encode())
        return total.hexdigest()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".model"}:
            with path.open("rb") as stream:
                head = hashlib.sha256(stream.read(_HEADER)).hexdigest()
            total.update(f"{path.name}\0{path.stat().st_size}\0{head}\n".encode())
    return total.hexdigest()


def config(model: Any) -> bytes:
    """Return the adapter's `adapter_config.json`, the same bytes for the same adapter."""
    about = model.peft_config["default"].to_dict()
    about |= {"inference_mode": True, "target_modules": sorted(about["target_modules"])}
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in about.items()}
    return json.dumps(plain, indent=2, sort_keys=True, default=str).encode() + b"\n"
