"""Weights & Biases: offline in a folder unless told otherwise; `wandb sync` sends it later."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pipeline.tracking.interface import Tracked


class WeightsAndBiases:
    """One run a training, under an id made from its name, so that it goes on in the same place."""

    def __init__(self, tracked: Tracked, mode: Literal["offline", "online"]) -> None:
        import wandb

        folder = tracked.folder / "wandb"
        folder.mkdir(parents=True, exist_ok=True)
        self._tracked, self._package = tracked, wandb
        self._run: Any = wandb.init(
            project=tracked.experiment, name=tracked.name, mode=mode, dir=str(folder), resume="allow",
            id=hashlib.sha256(tracked.name.encode()).hexdigest()[:16], config=dict(tracked.parameters),
            settings=wandb.Settings(console="off", silent=True, disable_git=True, disable_code=True),
        )  # fmt: skip

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write what was measured at a step."""
        self._run.log({"step": step, **values})

    def done(self, figures: Mapping[str, float], adapter: Path) -> None:
        """Write the figures as the run's summary, and the adapter as a model artifact."""
        self._run.summary.update(dict(figures))
        artifact = self._package.Artifact(self._tracked.model, type="model")
        artifact.add_dir(str(adapter))
        self._run.log_artifact(artifact)

    def close(self, *, failed: bool) -> None:
        """End the run."""
        self._run.finish(exit_code=1 if failed else 0)
