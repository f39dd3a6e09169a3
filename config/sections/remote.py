"""Training on another machine."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.section import Section


class Remote(Section):
    """The CUDA machine or cluster of `fine_tuning.backend: ray`. docs/remote.md says how to get one."""

    launcher: Annotated[
        Literal["ray", "ssh", "slurm"], Meta(description="What starts the training there: Ray, plain ssh, or Slurm.")
    ] = "ray"
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
    precision: Annotated[
        Literal["bf16", "f32"], Meta(description="Of base weights and arithmetic there; adapters are kept in f32.")
    ] = "bf16"
    optimizer: Annotated[
        Literal["adamw", "paged_adamw_8bit"], Meta(description="AdamW, or with 8-bit state in paged memory (CUDA).")
    ] = "adamw"
    dequantize: Annotated[
        bool, Meta(description="With `quantization: 4bit`: turn the weights back once and train on those.")
    ] = False
    parallel: Annotated[
        Literal["data", "fsdp"], Meta(description="Over several GPUs: the base model whole on each, or sharded.")
    ] = "data"
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
        return Remote(
            precision=self.precision, optimizer=self.optimizer, dequantize=self.dequantize, parallel=self.parallel
        )
