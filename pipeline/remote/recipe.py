"""The worker's recipe: every hyperparameter of one training on CUDA. Each is applied; an unknown one is refused.

A key that the local recipe has too (`pipeline.training.recipe`) has the same name and meaning.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is trained. Lengths are in tokens, rates per step, shares between 0 and 1."""

    # Steps
    batch_size: Annotated[int, Meta(ge=1, description="Examples laid into rows together, over all devices.")] = 4
    gradient_accumulation: Annotated[
        int, Meta(ge=1, description="Batches in a step; gradients add up, weighted by answer tokens.")
    ] = 1
    max_epochs: Annotated[int, Meta(ge=1, description="Passes over the data; each sees every example once.")] = 3
    learning_rate: Annotated[float, Meta(gt=0.0, le=1.0, description="Peak learning rate.")] = 2e-4
    warmup_steps: Annotated[
        int, Meta(ge=0, description="Steps until the peak rate; at most a tenth of all steps is used.")
    ] = 10
    schedule: Annotated[
        Literal["cosine", "constant"], Meta(description="The rate after warm-up: down to `schedule_floor`, or level.")
    ] = "cosine"
    schedule_floor: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Where the cosine ends, as a share of the peak rate.")
    ] = 0.1
    optimizer: Annotated[
        Literal["adamw", "paged_adamw_8bit"],
        Meta(description="AdamW in 32 bits, or bitsandbytes' with 8-bit state in paged memory (CUDA only)."),
    ] = "adamw"
    weight_decay: Annotated[float, Meta(ge=0.0, le=1.0, description="AdamW weight decay.")] = 0.01
    gradient_clip: Annotated[float, Meta(gt=0.0, description="Largest norm of a step's gradient.")] = 1.0
    seed: Annotated[int, Meta(ge=0, lt=2**31, description="Of data order, dropout and first weights.")] = 20250917

    # Adapter
    rank: Annotated[int, Meta(ge=1, le=1024, description="LoRA rank.")] = 16
    alpha: Annotated[float, Meta(gt=0.0, description="LoRA alpha; the scale is alpha / rank.")] = 32.0
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0, description="Dropout in front of the adapter.")] = 0.0
    target_modules: Annotated[
        tuple[str, ...],
        Meta(description="Linear layers that get an adapter, such as `q_proj`; empty: all in a block."),
    ] = ()
    layers: Annotated[int, Meta(ge=-1, description="Upper blocks that get adapters; -1 means all.")] = -1
    use_dora: Annotated[bool, Meta(description="Weight-decomposed adapters (DoRA).")] = False

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
    max_tokens: Annotated[int, Meta(ge=16, description="Longest example; longer ones are shortened.")] = 2048
    packing: Annotated[
        bool, Meta(description="Lay examples into rows of `token_budget`; off: one a row, padded to a batch's longest.")
    ] = True
    token_budget: Annotated[int, Meta(ge=0, description="Tokens in a packed row; 0: `batch_size` × `max_tokens`.")] = 0
    prompt_loss_weight: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Weight of prompt tokens in the loss; answers weigh 1.")
    ] = 0.0
    replay_share: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Stage 1 examples added to each epoch, as a share of its own.")
    ] = 0.1

    # Watching
    save_steps: Annotated[int, Meta(ge=1, description="Steps between checkpoints.")] = 50
    eval_steps: Annotated[int, Meta(ge=1, description="Steps between validations.")] = 50
    early_stopping_patience: Annotated[
        int, Meta(ge=0, description="Validations without improvement before stopping; 0 never stops early.")
    ] = 3
    keep_checkpoints: Annotated[
        int, Meta(ge=1, le=100, description="Checkpoints kept; the best adapter is in each.")
    ] = 2

    # Memory and speed
    gradient_checkpointing: Annotated[
        bool, Meta(description="Recompute activations instead of keeping them: less memory, more time.")
    ] = False
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
