"""The backend the settings choose. A backend's own packages are imported when it is chosen, not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from config.settings import Settings
from pipeline.training.backend import TrainingBackend, TrainingEvent, TrainingJob, TrainingResult


class Trainer(TrainingBackend, Protocol):
    """A backend that also takes a job to its end, stage 2 again when it forgot too much."""

    def train(self, job: TrainingJob, on_event: Callable[[TrainingEvent], None]) -> TrainingResult:
        """Train `job` to the end, handing every event to `on_event`."""
        ...


@contextmanager
def chosen(settings: Settings) -> Iterator[Trainer]:
    """Give the backend of `fine_tuning.backend`; raise UsageError when `remote` isn't set up for it."""
    if settings.fine_tuning.backend == "mlx":
        from pipeline.training.mlx.backend import MlxBackend

        yield MlxBackend()
        return
    from pipeline.remote.connection import connected

    with connected(settings) as remote:
        yield remote
