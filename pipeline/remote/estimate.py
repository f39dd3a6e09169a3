"""What a training will take on a GPU, before it starts: time, memory, cost. Reckoned, or from a measured speed."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from config.errors import UsageError
from pipeline.remote.recipe import Recipe

_REACHED = 0.35  # of a GPU's bf16 peak, where nothing was measured; a guess
_SPARE = 2e9  # bytes of CUDA's own and of what is computed with


class Gpu(msgspec.Struct, frozen=True):
    """A kind of GPU: bytes of memory, and bf16 FLOP/s at its peak, from its maker's data sheet."""

    memory: float
    peak: float


GPUS = {
    "A10G": Gpu(24e9, 70e12),
    "L4": Gpu(24e9, 121e12),
    "RTX4090": Gpu(24e9, 165e12),
    "A100-40": Gpu(40e9, 312e12),
    "L40S": Gpu(48e9, 362e12),
    "A100": Gpu(80e9, 312e12),
    "H100": Gpu(80e9, 989e12),
    "H200": Gpu(141e9, 989e12),
}


class Shape(msgspec.Struct, frozen=True):
    """What a base model costs: weights in blocks and in the head (as many as in the embedding), width, blocks."""

    blocks: float
    head: float
    hidden: int
    layers: int


SEVEN_BILLION = Shape(blocks=6.48e9, head=1.31e8, hidden=4096, layers=32)


class Estimate(msgspec.Struct, frozen=True):
    """Seconds and bytes a device, and the cost in the currency of the price; `measured`: from a real speed."""

    seconds: float
    memory: float
    cost: float
    measured: bool


def estimate(
    recipe: Recipe,
    shape: Shape,
    gpu: str,
    *,
    tokens: Annotated[int, Meta(ge=1)],
    hourly_price: float = 0.0,
    devices: int = 1,
    tokens_per_second: float | None = None,
) -> Estimate:
    """Return what training on `tokens` (one epoch's) takes; `tokens_per_second` over all devices, if measured.

    A token costs 4 FLOPs a frozen weight (forward, and towards the inputs), 6 when activations are
    computed again. Raises `UsageError` for a GPU that isn't known.
    """
    if gpu not in GPUS:
        raise UsageError(f"There are no figures for a GPU {gpu}.", f"Known are {', '.join(GPUS)}.")
    per_token = (6 if recipe.gradient_checkpointing else 4) * (shape.blocks + shape.head)
    speed = tokens_per_second or GPUS[gpu].peak * _REACHED * devices / per_token
    seconds = tokens * recipe.max_epochs / speed
    memory = _memory(recipe, shape)
    return Estimate(seconds, memory, seconds / 3600 * hourly_price * devices, tokens_per_second is not None)


def _memory(recipe: Recipe, shape: Shape) -> float:
    wide = 2 if recipe.precision == "bf16" else 4
    four = recipe.quantization == "4bit" and not recipe.dequantize
    weights = shape.blocks * (0.52 if four else 1 if recipe.quantization == "8bit" else wide) + 2 * shape.head * wide
    adapter = recipe.rank * 22 * shape.hidden * shape.layers  # seven modules, in and out
    state = adapter * (4 + 4 + (2 if recipe.optimizer == "paged_adamw_8bit" else 8))
    row = recipe.token_budget or recipe.batch_size * recipe.max_tokens
    kept = 1 if recipe.gradient_checkpointing else 17  # tensors of a block's width for each token
    return weights + state + row * shape.hidden * wide * (kept * shape.layers + 34) + _SPARE


def refuse(found: Estimate, gpu: str, budget: float) -> None:
    """Raise `UsageError` when the estimate is past the budget (0: none) or the GPU's memory."""
    if budget and found.cost > budget:
        raise UsageError(
            f"The training would cost about {found.cost:.2f}, more than the budget of {budget:.2f}.",
            "Raise `remote.budget`, or train on less.",
        )
    if found.memory > GPUS[gpu].memory:
        raise UsageError(
            f"The training needs about {found.memory / 1e9:.0f} GB, and a {gpu} has {GPUS[gpu].memory / 1e9:.0f}.",
            "Lower `batch_size` or `token_budget`, recompute activations, or take a larger GPU.",
        )
