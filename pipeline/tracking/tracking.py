"""A training written down by every tracker the settings name. None of them can stop the training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings, Tracking
from pipeline.tracking.interface import Tracked, Tracker
from pipeline.training.backend import TrainingEvent, TrainingResult
from pipeline.training.recipe import Recipe

FOLDER = "tracking"  # in the workspace
EXTRA = "Install it: pip install 'fixsmith[tracking]'."
_MEASURED = ("loss", "learning_rate", "gradient_norm", "tokens_per_second", "peak_memory_bytes")
Warn = Callable[[str], None]


class Record:
    """Hands events and the result on to the trackers; one that fails is let go with a warning."""

    def __init__(self, trackers: list[tuple[str, Tracker]], warn: Warn) -> None:
        self._trackers, self._warn = trackers, warn

    def event(self, event: TrainingEvent) -> None:
        """Write down what an event of a step or a validation measured."""
        if event.kind not in ("step", "valid") or event.step is None:
            return
        part = "train" if event.kind == "step" else "valid"
        values = {f"{part}/{name}": float(value) for name in _MEASURED if (value := getattr(event, name)) is not None}
        self._each(lambda tracker: tracker.metrics(event.step or 0, values))

    def done(self, result: TrainingResult) -> None:
        """Write down what came out, and keep the adapter."""
        found = msgspec.structs.asdict(result).items()
        figures = {f"result/{name}": float(value) for name, value in found if isinstance(value, int | float)}
        self._each(lambda tracker: tracker.done(figures, Path(result.adapter)))

    def close(self, *, failed: bool) -> None:
        """End every tracker's run."""
        self._each(lambda tracker: tracker.close(failed=failed))

    def _each(self, do: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers):
            try:
                do(tracker)
            except Exception as error:  # a tracker's own packages raise anything
                self._trackers.remove((name, tracker))
                self._warn(f"{name} is no longer told of this training: {str(error)[:200] or type(error).__name__}")


@contextmanager
def recorded(
    settings: Settings, workspace: Path, name: str, part: str, recipe: Recipe, base: str, warn: Warn
) -> Iterator[Record]:
    """Give what writes the training `name` down; it is ended well, or left to be gone on with after an error.

    Its adapter is registered as the models' prefix and `part`.
    """
    wanted, about = settings.tracking, settings.fine_tuning
    given = {"base_model": base, "backend": about.backend} | msgspec.structs.asdict(recipe)
    if about.backend != "mlx":
        given |= msgspec.structs.asdict(settings.remote.of_a_run()) | given
    tracked = Tracked(
        name=name, model=f"{about.output_model_prefix}-{part}", experiment=wanted.experiment,
        folder=workspace / FOLDER, parameters=_flat(given),
    )  # fmt: skip
    record = Record(_begun(wanted, tracked, warn), warn)
    try:
        yield record
    except BaseException:
        record.close(failed=True)
        raise
    record.close(failed=False)


def _begun(wanted: Tracking, tracked: Tracked, warn: Warn) -> list[tuple[str, Tracker]]:
    begun: list[tuple[str, Tracker]] = []
    for name in wanted.trackers:
        try:
            begun.append((name, _tracker(name, wanted, tracked)))
        except ImportError as error:
            warn(f"{name} isn't told of this training: {error.name or name} isn't installed. {EXTRA}")
        except Exception as error:  # as above
            warn(f"{name} isn't told of this training: {str(error)[:200] or type(error).__name__}")
    return begun


def _tracker(name: str, wanted: Tracking, tracked: Tracked) -> Tracker:
    if name == "mlflow":
        from pipeline.tracking.mlflow import MLflow

        return MLflow(tracked, wanted.mlflow_uri)
    if name == "tensorboard":
        from pipeline.tracking.tensorboard import TensorBoard

        return TensorBoard(tracked)
    from pipeline.tracking.wandb import WeightsAndBiases

    return WeightsAndBiases(tracked, wanted.wandb_mode)


def _flat(parameters: Mapping[str, Any]) -> dict[str, str | float]:
    """Return parameters as numbers and words."""
    return {
        name: value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        for name, value in parameters.items()
    }
