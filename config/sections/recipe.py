"""The recipe: every hyperparameter of one training, in a file of its own and in the settings alike.

What every trainer knows stands in `Hyperparameters`; a recipe adds what its own trainer does besides.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.section import Section

BatchSize = Annotated[int, Meta(ge=1, description="Examples laid into rows together.")]
LearningRate = Annotated[float, Meta(gt=0.0, le=1.0, description="Peak learning rate.")]
WarmupSteps = Annotated[int, Meta(ge=0, description="Steps until the peak rate; at most a tenth of all steps is used.")]
SaveSteps = Annotated[int, Meta(ge=1, description="Steps between checkpoints.")]
EvalSteps = Annotated[int, Meta(ge=1, description="Steps between validations.")]
Dropout = Annotated[float, Meta(ge=0.0, lt=1.0, description="Dropout in front of the adapter.")]

# What only the trainer for CUDA applies: in its recipes, and in section `remote`.
ScheduleFloor = Annotated[
    float, Meta(ge=0.0, le=1.0, description="Where the cosine ends, as a share of the peak rate.")
]
Optimizer = Annotated[
    Literal["adamw", "paged_adamw_8bit"],
    Meta(description="AdamW in 32 bits, or bitsandbytes' with 8-bit state in paged memory (CUDA only)."),
]
DoubleQuantization = Annotated[bool, Meta(description="With `quantization: 4bit`: quantise NF4's scales too.")]
Dequantize = Annotated[
    bool, Meta(description="Turn NF4 weights back once and train on those: faster, more memory, the same model.")
]
Precision = Annotated[
    Literal["bf16", "f32"], Meta(description="Of base weights and arithmetic there; adapters are always kept in f32.")
]
Tf32 = Annotated[bool, Meta(description="TensorFloat-32 for what is multiplied in f32 (CUDA).")]
Template = Annotated[
    Literal["model", "inst"],
    Meta(description="The model's own chat template, or CodeLlama's `[INST]`, which its base variants lack."),
]
Packing = Annotated[
    bool, Meta(description="Lay examples into rows of `token_budget`; off: one a row, padded to a batch's longest.")
]
FusedLoss = Annotated[
    bool, Meta(description="Logits of scored positions only, a chunk at a time, with their gradient; off: all at once.")
]
Parallel = Annotated[
    Literal["data", "fsdp"],
    Meta(description="Over several GPUs: the base model whole on each, or sharded (not with quantised weights)."),
]


class Hyperparameters(Section):
    """How a model is trained, wherever. Lengths are in tokens, rates per step, shares between 0 and 1."""

    # Steps
    batch_size: BatchSize = 4
    gradient_accumulation: Annotated[
        int, Meta(ge=1, description="Batches in a step; gradients add up, weighted by answer tokens.")
    ] = 1
    max_epochs: Annotated[int, Meta(ge=1, description="Passes over the data; each sees every example once.")] = 3
    learning_rate: LearningRate = 2e-4
    warmup_steps: WarmupSteps = 10
    schedule: Annotated[
        Literal["cosine", "constant"], Meta(description="The rate after warm-up: down to a tenth, or level.")
    ] = "cosine"
    weight_decay: Annotated[float, Meta(ge=0.0, le=1.0, description="AdamW weight decay.")] = 0.01
    gradient_clip: Annotated[float, Meta(gt=0.0, description="Largest norm of a step's gradient.")] = 1.0
    seed: Annotated[int, Meta(ge=0, lt=2**31, description="Of data order, dropout and first weights.")] = 20250917

    # Adapter
    rank: Annotated[int, Meta(ge=1, le=1024, description="LoRA rank.")] = 16
    alpha: Annotated[float, Meta(gt=0.0, description="LoRA alpha; the scale is alpha / rank.")] = 32.0
    dropout: Dropout = 0.0
    target_modules: Annotated[
        tuple[str, ...],
        Meta(description="Linear layers that get an adapter, such as `q_proj`; empty: all in a block."),
    ] = ()
    layers: Annotated[int, Meta(ge=-1, description="Upper blocks that get adapters; -1 means all.")] = -1
    use_dora: Annotated[bool, Meta(description="Weight-decomposed adapters (DoRA).")] = False
    quantization: Annotated[
        Literal["none", "4bit", "8bit"], Meta(description="Quantise the base model before training.")
    ] = "none"

    # Data
    max_tokens: Annotated[int, Meta(ge=16, description="Longest example; longer ones are shortened.")] = 2048
    token_budget: Annotated[
        int, Meta(ge=0, description="Tokens in a packed row; 0 chooses from the data and the memory.")
    ] = 0
    prompt_loss_weight: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Weight of prompt tokens in the loss; answers weigh 1.")
    ] = 0.0

    # Watching
    save_steps: SaveSteps = 50
    eval_steps: EvalSteps = 50
    early_stopping_patience: Annotated[
        int, Meta(ge=0, description="Validations without improvement before stopping; 0 never stops early.")
    ] = 3
    keep_checkpoints: Annotated[int, Meta(ge=1, le=100, description="Checkpoints kept.")] = 2

    # Memory
    gradient_checkpointing: Annotated[
        bool, Meta(description="Recompute activations instead of keeping them: less memory, more time.")
    ] = False

    # Not forgetting
    replay_share: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Stage 1 examples added to each epoch, as a share of its own.")
    ] = 0.1


class Recipe(Hyperparameters):
    """How a model is trained with MLX."""

    shared_prefix: Annotated[
        bool, Meta(description="Compute what a row's examples begin with once. Off while there is dropout.")
    ] = True
    memory_limit_gigabytes: Annotated[
        float, Meta(ge=0.0, description="Most memory to train in; 0 means three quarters of the machine's.")
    ] = 0.0
    segment_seconds: Annotated[
        float, Meta(ge=0.0, description="On Metal: train this long, then pause for the display; 0 never.")
    ] = 20.0
    pause_seconds: Annotated[float, Meta(ge=0.0, le=60.0, description="How long that pause is.")] = 0.25
    kl_weight: Annotated[
        float, Meta(ge=0.0, description="Weight of the divergence from stage 1's answers in the loss.")
    ] = 0.0
    forgetting_budget: Annotated[
        float, Meta(ge=0.0, description="How far stage 1's validation loss may rise, relative to before.")
    ] = 0.1
