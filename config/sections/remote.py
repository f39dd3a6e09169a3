"""Training on another machine."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from config.sections.recipe import (
    Dequantize,
    DoubleQuantization,
    FusedLoss,
    Optimizer,
    Packing,
    Parallel,
    Precision,
    ScheduleFloor,
    Template,
    Tf32,
)
from config.sections.section import Section


class WorkerChoices(Section):
    """What only the trainer for CUDA can choose, beside the recipe; a worker's recipe sets all of it."""

    precision: Precision = "bf16"
    tf32: Tf32 = True
    optimizer: Optimizer = "adamw"
    schedule_floor: ScheduleFloor = 0.1
    double_quantization: DoubleQuantization = True
    dequantize: Dequantize = False
    template: Template = "model"
    packing: Packing = True
    fused_loss: FusedLoss = True
    parallel: Parallel = "data"


class Remote(WorkerChoices):
    """The CUDA machine or cluster of `fine_tuning.backend: ray`, `ssh` or `slurm`. docs/remote.md: how to get one."""

    address: Annotated[
        str,
        Meta(
            description="Ray: `http://127.0.0.1:8265`, `https://HOST`, or `ssh://HOST` (a tunnel is opened). ssh and "
            "Slurm: `ssh://HOST`, HOST as ~/.ssh/config knows it; for Slurm empty means this machine."
        ),
    ] = ""
    token_file: Annotated[
        str, Meta(description="File holding the Ray cluster's token, readable by you alone. Empty: $RAY_AUTH_TOKEN.")
    ] = ""
    storage: Annotated[
        str,
        Meta(
            description="Where checkpoints and results outlive the machine: a folder both ends see (NFS), "
            "`s3://BUCKET/PREFIX`, or `ssh://HOST/FOLDER` on the worker's own disk."
        ),
    ] = ""
    workers: Annotated[int, Meta(ge=1, le=1024, description="Processes that train together, one a GPU.")] = 1
    gpus: Annotated[float, Meta(ge=0.0, description="GPUs for each of them; 0 trains on the CPU.")] = 1.0
    python: Annotated[
        str, Meta(min_length=1, description="ssh and Slurm: the interpreter there that has the worker's packages.")
    ] = "python3"
    slurm_options: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^--[a-z-]+(=[\w.,:/+-]+)?$")], ...],
        Meta(description="Options for sbatch, such as `--partition=gpu` and `--time=12:00:00`."),
    ] = ()
    poll_seconds: Annotated[float, Meta(gt=0.0, description="Between two looks at a run.")] = 5.0
    lost_seconds: Annotated[
        float, Meta(gt=0.0, description="Nobody answers for so long: the run is postponed; what runs there goes on.")
    ] = 900.0
    stop_seconds: Annotated[float, Meta(gt=0.0, description="For a checkpoint, after being asked to stop.")] = 120.0
    losses: Annotated[
        int, Meta(ge=1, description="So often lost in a row without a step gained, a run is given up.")
    ] = 5
    hourly_price: Annotated[
        float, Meta(ge=0.0, description="What the machine costs an hour, in your currency; 0: nothing is reckoned.")
    ] = 0.0
    budget: Annotated[
        float, Meta(ge=0.0, description="Most one training may cost: one that would take more is stopped; 0: no limit.")
    ] = 0.0

    def of_a_run(self) -> Remote:
        """Return the section with what trains nothing (ways, waits, prices) at its defaults."""
        return Remote(**{name: getattr(self, name) for name in WorkerChoices.__struct_fields__})
