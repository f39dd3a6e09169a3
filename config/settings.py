"""Every setting: its type, bounds, default and what it is for, written once.

The commented sample, the documentation table and the strict checks all come from these types.
`fine_tuning` holds the keys of the system this one replaces, under the same names; its
hyperparameters are the fields of a training recipe (`pipeline.training.recipe`).
"""

from __future__ import annotations

from typing import Annotated, Literal, dataclass_transform

import msgspec
from msgspec import Meta, Struct


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings; an unknown key in it is an error."""


class FineTuning(Section):
    """Training: which base model, with which recipe, and what becomes of the result."""

    skip_in_daemon: Annotated[
        bool, Meta(description="Emergency override: the daemon builds data sets but trains nothing.")
    ] = False
    base_model_name: Annotated[
        str,
        Meta(
            min_length=1,
            description="Base model: a Hub id, a folder, or `embedded` (SmolLM2-135M, no download from the "
            "Hub). `allenai/Olmo-3-7B-Instruct` is the larger choice for a Mac with 32 GB or more.",
        ),
    ] = "allenai/OLMo-2-0425-1B-Instruct"
    workspace_dir: Annotated[
        str, Meta(min_length=1, description="Folder for runs, data sets, checkpoints, logs and models.")
    ] = "fine-tuning"
    sequential: Annotated[
        bool, Meta(description="Two stages: analysis specialist, then code-fix specialist from it.")
    ] = True
    batch_size: Annotated[int, Meta(ge=1, description="Examples in a step.")] = 2
    gradient_accumulation: Annotated[
        int, Meta(ge=1, description="Steps whose gradients are added up, weighted by answer tokens.")
    ] = 1
    learning_rate: Annotated[float, Meta(gt=0.0, le=1.0, description="Peak learning rate.")] = 1e-4
    codefix_learning_rate: Annotated[float, Meta(gt=0.0, le=1.0, description="Peak learning rate of stage 2.")] = 1e-4
    max_epochs: Annotated[int, Meta(ge=1, description="Passes over the data.")] = 3
    warmup_steps: Annotated[
        int, Meta(ge=0, description="Steps until the peak rate; at most a tenth of all steps is used.")
    ] = 100
    schedule: Annotated[Literal["cosine", "constant"], Meta(description="Learning rate after warm-up.")] = "cosine"
    weight_decay: Annotated[float, Meta(ge=0.0, description="AdamW weight decay.")] = 0.01
    gradient_clip: Annotated[float, Meta(gt=0.0, description="Largest gradient norm.")] = 1.0
    save_steps: Annotated[int, Meta(ge=1, description="Steps between checkpoints.")] = 500
    eval_steps: Annotated[int, Meta(ge=1, description="Steps between validations.")] = 250
    early_stopping_patience: Annotated[
        int, Meta(ge=0, description="Validations without improvement before stopping; 0 never stops early.")
    ] = 3
    rank: Annotated[int, Meta(ge=1, description="LoRA rank.")] = 16
    alpha: Annotated[float, Meta(gt=0.0, description="LoRA alpha; the scale is alpha / rank.")] = 32.0
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0, description="LoRA dropout.")] = 0.05
    layers: Annotated[int, Meta(ge=-1, description="Upper layers that get adapters; -1 means all.")] = -1
    max_tokens: Annotated[int, Meta(ge=64, description="Longest example, in tokens.")] = 2048
    prompt_loss_weight: Annotated[float, Meta(ge=0.0, le=1.0, description="Weight of prompt tokens in the loss.")] = 0.0
    replay_share: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Stage 1 examples mixed into stage 2, as a share of its own.")
    ] = 0.1
    gradient_checkpointing: Annotated[
        bool, Meta(description="Recompute activations instead of keeping them: less memory, more time.")
    ] = True
    quantization: Annotated[
        Literal["none", "4bit", "8bit"], Meta(description="Quantise the base model before training.")
    ] = "none"
    seed: Annotated[int, Meta(ge=0, description="Seed of data order, dropout and adapter start.")] = 20250917
    output_model_prefix: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Start of every model's name.")
    ] = "fixsmith-security-olmo"
    upload_enabled: Annotated[bool, Meta(description="Upload to the Hugging Face Hub.")] = False
    hf_repo_prefix: Annotated[
        str, Meta(description="Hub repositories are named from this: `owner/name`. Empty: none.")
    ] = ""


class Artifacts(Section):
    """Limits on what strangers send: an artifact past one of them is refused, the others go on."""

    max_file_bytes: Annotated[int, Meta(ge=1, description="Largest report.")] = 512 * 1024 * 1024
    max_total_bytes: Annotated[int, Meta(ge=1, description="Largest artifact, unpacked.")] = 2 * 1024**3
    max_files: Annotated[int, Meta(ge=1, description="Most files in an artifact.")] = 10_000
    max_ratio: Annotated[int, Meta(ge=1, description="Largest unpacked / packed size of an entry.")] = 200
    max_nesting: Annotated[int, Meta(ge=0, description="Zip files inside zip files, levels.")] = 3


class Source(Section):
    """The code around a finding."""

    context_lines: Annotated[int, Meta(ge=0, le=500, description="Lines kept before and after.")] = 10
    max_lines: Annotated[int, Meta(ge=5, le=2000, description="Longest excerpt, in lines.")] = 60
    max_file_bytes: Annotated[int, Meta(ge=1, description="Larger source files are not read.")] = 2_000_000
    max_files: Annotated[int, Meta(ge=1, description="A tree with more files is refused.")] = 200_000
    max_flagged_lines: Annotated[
        int, Meta(ge=1, description="A finding that flags more lines than this gets no excerpt.")
    ] = 400
    max_line_characters: Annotated[
        int, Meta(ge=80, description="Longer lines are cut around the flagged columns (minified code).")
    ] = 1000


class Dataset(Section):
    """Examples, and how they are split."""

    valid_fraction: Annotated[float, Meta(gt=0.0, lt=0.5, description="Share for validation.")] = 0.1
    test_fraction: Annotated[float, Meta(gt=0.0, lt=0.5, description="Share held out for the test.")] = 0.1
    seed: Annotated[int, Meta(ge=0, description="Seed of the split.")] = 7
    max_per_rule: Annotated[int, Meta(ge=1, description="Most examples of one rule.")] = 50
    quick_test_examples: Annotated[int, Meta(ge=8, description="Examples of each kind with --quick-test.")] = 100


class Evaluation(Section):
    """Measuring the specialists."""

    max_answers: Annotated[int, Meta(ge=1, description="Held-out examples answered in full.")] = 200
    answer_tokens: Annotated[int, Meta(ge=16, description="Longest answer, in tokens.")] = 64


class Settings(Section):
    """All settings."""

    fine_tuning: FineTuning = FineTuning()
    artifacts: Artifacts = Artifacts()
    source: Source = Source()
    dataset: Dataset = Dataset()
    evaluation: Evaluation = Evaluation()
