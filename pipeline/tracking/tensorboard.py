"""TensorBoard's event files, by tensorboardX: no server, `tensorboard --logdir` shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.tracking.interface import Tracked


class TensorBoard:
    """One folder of event files a training; steps done again after an interruption replace the earlier ones."""

    def __init__(self, tracked: Tracked) -> None:
        from tensorboardX import SummaryWriter

        self._tracked, self._open = tracked, SummaryWriter
        self._writer: Any = None

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars; the first of them opens the file, and hides what lies there from that step on."""
        if self._writer is None:
            self._writer = self._open(str(self._tracked.folder / "tensorboard" / self._tracked.name), purge_step=step)
            self._writer.add_text("parameters", json.dumps(dict(self._tracked.parameters), indent=1), step)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def done(self, figures: Mapping[str, float], adapter: Path) -> None:
        """Write the figures; TensorBoard keeps no models."""
        self.metrics(int(figures.get("result/steps", 0)), figures)

    def close(self, *, failed: bool) -> None:
        """Flush and close."""
        if self._writer is not None:
            self._writer.close()
