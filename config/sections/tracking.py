"""Where trainings are written down, beside the run's own files."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.section import Section


class Tracking(Section):
    """Trainings written down for MLflow, TensorBoard or Weights & Biases, whichever backend trains."""

    trackers: Annotated[
        tuple[Literal["mlflow", "tensorboard", "wandb"], ...],
        Meta(description="Which; empty: none. They need `fixsmith[tracking]`, W&B its own package `wandb`."),
    ] = ()
    experiment: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][\w.-]{0,63}$", description="MLflow's experiment, W&B's project.")
    ] = "fixsmith"
    mlflow_uri: Annotated[
        str,
        Meta(
            pattern=r"^$|^https://[^\s@]+$|^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)",
            description="An MLflow server; empty: a SQLite file in `WORKSPACE/tracking/mlflow`.",
        ),
    ] = ""
    wandb_mode: Annotated[
        Literal["offline", "online"], Meta(description="Offline writes to the workspace; `wandb sync` sends it.")
    ] = "offline"
