"""The worker's recipe: every hyperparameter of one training on CUDA. Each is applied; an unknown one is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.recipe import (
    Dequantize,
    DoubleQuantization,
    FusedLoss,
    Hyperparameters,
    Optimizer,
    Packing,
    Parallel,
    Precision,
    ScheduleFloor,
    Template,
    Tf32,
)


class Recipe(Hyperparameters):
    """How a model is trained with transformers. Examples of a batch are laid into rows over all devices."""

    # Steps
    schedule_floor: ScheduleFloor = 0.1
    optimizer: Optimizer = "adamw"

    # Base model
    quantization: Annotated[
        Literal["none", "4bit", "8bit"],
        Meta(description="Quantise the base model before training: 4bit is NF4, 8bit is LLM.int8."),
    ] = "none"
    double_quantization: DoubleQuantization = True
    dequantize: Dequantize = False
    precision: Precision = "bf16"
    tf32: Tf32 = True

    # Data
    template: Template = "model"
    packing: Packing = True
    token_budget: Annotated[int, Meta(ge=0, description="Tokens in a packed row; 0: `batch_size` × `max_tokens`.")] = 0

    # Memory and speed
    fused_loss: FusedLoss = True
    parallel: Parallel = "data"
