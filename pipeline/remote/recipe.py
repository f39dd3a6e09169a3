"""The worker's recipe: every hyperparameter of one training on CUDA. Each is applied; an unknown one is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.recipe import Hyperparameters


class Recipe(Hyperparameters):
    """How a model is trained with transformers. Examples of a batch are laid into rows over all devices."""

    # Steps
    schedule_floor: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Where the cosine ends, as a share of the peak rate.")
    ] = 0.1
    optimizer: Annotated[
        Literal["adamw", "paged_adamw_8bit"],
        Meta(description="AdamW in 32 bits, or bitsandbytes' with 8-bit state in paged memory (CUDA only)."),
    ] = "adamw"

    # Base model
    quantization: Annotated[
        Literal["none", "4bit", "8bit"],
        Meta(description="Quantise the base model before training: 4bit is NF4, 8bit is LLM.int8."),
    ] = "none"
    double_quantization: Annotated[bool, Meta(description="Quantise NF4's scales too.")] = True
    dequantize: Annotated[
        bool,
        Meta(description="Turn NF4 weights back once and train on those: faster, more memory, the same model."),
    ] = False
    precision: Annotated[
        Literal["bf16", "f32"], Meta(description="Of base weights and arithmetic; adapters are always kept in f32.")
    ] = "bf16"
    tf32: Annotated[bool, Meta(description="TensorFloat-32 for what is multiplied in f32 (CUDA).")] = True

    # Data
    template: Annotated[
        Literal["model", "inst"],
        Meta(description="The model's own chat template, or CodeLlama's `[INST]`, which its base variants lack."),
    ] = "model"
    packing: Annotated[
        bool, Meta(description="Lay examples into rows of `token_budget`; off: one a row, padded to a batch's longest.")
    ] = True
    token_budget: Annotated[int, Meta(ge=0, description="Tokens in a packed row; 0: `batch_size` × `max_tokens`.")] = 0

    # Memory and speed
    fused_loss: Annotated[
        bool,
        Meta(description="Logits of scored positions only, a chunk at a time, with their gradient; off: all at once."),
    ] = True
    parallel: Annotated[
        Literal["data", "fsdp"],
        Meta(
            description="Over several devices: the base model whole on each, or sharded (not with quantised weights)."
        ),
    ] = "data"
