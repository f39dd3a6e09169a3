"""How specialists are trained."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta

from config.sections.recipe import BatchSize, EvalSteps, LearningRate, Recipe, SaveSteps, WarmupSteps

Backend = Literal["mlx", "ray", "ssh", "slurm"]
BACKENDS: tuple[str, ...] = get_args(Backend)


class FineTuning(Recipe):
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
    backend: Annotated[
        Backend,
        Meta(
            description="Where training happens: here with MLX, or on the machine of section `remote`, started through "
            "Ray, plain ssh or Slurm."
        ),
    ] = "mlx"
    worker_recipes: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Recipes for a CUDA worker: `codellama-sast` and others, or YAML files; `domains` means the "
            "six domains' own. Each gives base model, domains and every key of training. Several: a workspace each."
        ),
    ] = ()
    workspace_dir: Annotated[
        str, Meta(min_length=1, description="Folder for runs, data sets, checkpoints, logs and models.")
    ] = "fine-tuning"
    sequential: Annotated[
        bool, Meta(description="Two stages: analysis specialist, then code-fix specialist from it.")
    ] = True
    batch_size: BatchSize = 2
    learning_rate: LearningRate = 1e-4
    codefix_learning_rate: Annotated[float, Meta(gt=0.0, le=1.0, description="Peak learning rate of stage 2.")] = 1e-4
    quick_test_epochs: Annotated[int, Meta(ge=1, description="Passes over the data with --quick-test.")] = 1
    warmup_steps: WarmupSteps = 100
    save_steps: SaveSteps = 500
    eval_steps: EvalSteps = 250
    output_model_prefix: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Start of every model's name.")
    ] = "fixsmith-security-olmo"
    upload_enabled: Annotated[bool, Meta(description="Upload to the Hugging Face Hub.")] = False
    hf_repo_prefix: Annotated[
        str,
        Meta(
            pattern=r"^$|^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]{0,60}$",
            description="Hub repositories are named from this: `owner/name` gives `owner/name-analysis`, "
            "`owner/name-codefix` and `owner/name-data`. Empty: none.",
        ),
    ] = ""
