"""A merged model in four bits, by llmcompressor: GPTQ or AWQ, calibrated on training examples."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from config.errors import InputRefused, UsageError
from pipeline.remote.contract import Quantizer
from pipeline.training.examples import Encoded

_SCHEME = "W4A16"
_HEAD = ["lm_head"]
_GROUP = 128
"""Weights that share a scale in both schemes."""


def check(model: Any) -> None:
    """Raise before anything is trained where `model` couldn't be quantised afterwards."""
    if not _installed():
        raise UsageError(
            "Quantising needs llmcompressor, which isn't installed here.", "Install requirements-quantize.txt."
        )
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name not in _HEAD and module.in_features % _GROUP:
            raise InputRefused(
                f"GPTQ and AWQ take weights in groups of {_GROUP}, and {name} has {module.in_features} inputs.",
                "Merge it without quantising.",
            )


def _installed() -> bool:
    return all(importlib.util.find_spec(name) for name in ("llmcompressor", "datasets"))


def quantize(kind: Quantizer, model: Path, output: Path, tokenizer: Any, examples: Sequence[Encoded]) -> None:
    """Write `model`, which `check` let through, quantised into `output`."""
    from datasets import Dataset
    from llmcompressor import oneshot

    if not torch.cuda.is_available():
        _without_pinning()
    rows = [{"input_ids": list(item.tokens), "attention_mask": [1] * len(item.tokens)} for item in examples]
    oneshot(
        model=str(model),
        dataset=Dataset.from_list(rows),
        recipe=[_modifier(kind)],
        output_dir=str(output),
        max_seq_length=max(len(item.tokens) for item in examples),
        num_calibration_samples=len(rows),
    )
    tokenizer.save_pretrained(output)


def _without_pinning() -> None:
    """Have AWQ leave its intermediates where they are: there is no accelerator to pin them for."""
    from llmcompressor.pipelines.cache import IntermediatesCache

    IntermediatesCache.pin_memory = lambda *_: None


def _modifier(kind: Quantizer) -> Any:
    if kind == "gptq":
        from llmcompressor.modifiers.quantization import GPTQModifier

        return GPTQModifier(targets="Linear", scheme=_SCHEME, ignore=_HEAD)
    from llmcompressor.modifiers.awq import AWQModifier

    return AWQModifier(targets="Linear", scheme="W4A16_ASYM", ignore=_HEAD)
