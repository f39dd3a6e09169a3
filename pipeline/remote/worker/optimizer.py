"""AdamW over the adapter's weights, and its state as tensors and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from pipeline.remote.recipe import Recipe


def build(recipe: Recipe, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Return the recipe's optimizer. On a CPU bitsandbytes' state is 8-bit too, but not paged."""
    options: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, foreach=parameters[0].is_cuda, **options)
    from bitsandbytes.optim import AdamW8bit, PagedAdamW8bit

    kind: Any = PagedAdamW8bit if parameters[0].is_cuda else AdamW8bit
    optimizer: torch.optim.Optimizer = kind(parameters, **options)
    return optimizer


def clip(parameters: list[torch.nn.Parameter], largest: float) -> float:
    """Scale the gradients down to a global norm of at most `largest` and return the norm they had."""
    return float(torch.nn.utils.clip_grad_norm_(parameters, largest, foreach=parameters[0].is_cuda))


def taken(optimizer: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the state as named tensors, and what of it isn't a tensor; names are `number/key`, or deeper."""
    tensors: dict[str, torch.Tensor] = {}
    plain: dict[str, Any] = {}
    for name, value in _flat(optimizer.state_dict()["state"], ""):
        if isinstance(value, torch.Tensor):
            tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        else:
            plain[name] = value
    return tensors, plain


def put(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> None:
    """Put a state back that `taken` took."""
    state: dict[Any, Any] = {}
    for name, value in {**tensors, **plain}.items():
        number, *between, key = name.split("/")
        inner = state.setdefault(int(number), {})
        for part in between:
            inner = inner.setdefault(part, {})
        inner[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _flat(values: dict[Any, Any], before: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}/")
        else:
            yield f"{before}{key}", value
