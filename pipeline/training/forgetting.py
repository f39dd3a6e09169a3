"""Stage 2 must still know stage 1's job: how much was lost, and one more try when it was too much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from pipeline.training import backend
from pipeline.training.backend import TrainingBackend, TrainingEvent, TrainingJob, TrainingResult

LEAST_RAISED = 0.25
MOST = 1.0


def loss_rise(result: TrainingResult) -> float | None:
    """Return how far stage 1's validation loss rose, relative to before; None where it wasn't measured."""
    before, after = result.replay_loss_before, result.replay_loss_after
    return None if before is None or after is None else (after - before) / before


def train(training: TrainingBackend, job: TrainingJob, on_event: Callable[[TrainingEvent], None]) -> TrainingResult:
    """Train; if stage 1's validation loss rose past the recipe's budget, repeat once with more replay.

    The repeat has a work folder of its own, so a kill in it goes on there. The adapter that forgot
    less is the one in `job.output`.
    """
    result = backend.run(training, job, on_event)
    rise = loss_rise(result)
    if rise is None or rise <= job.recipe.forgetting_budget or not job.replay:
        return result
    share = min(MOST, max(LEAST_RAISED, 2 * job.recipe.replay_share))
    if share <= job.recipe.replay_share:
        return result
    message = f"Stage 1's loss rose by {rise:.0%}: training again with {share:.0%} of its examples replayed."
    on_event(TrainingEvent(kind="warning", message=message))
    repeat = msgspec.structs.replace(
        job,
        work=str(Path(job.work) / "again"),
        output=str(Path(job.work) / "again" / "output"),
        recipe=msgspec.structs.replace(job.recipe, replay_share=share),
    )
    second = backend.run(training, repeat, on_event)
    again = loss_rise(second)
    if again is None or again >= rise:
        return result
    _put(Path(second.adapter), Path(job.output))
    return msgspec.structs.replace(second, adapter=job.output)


def _put(source: Path, target: Path) -> None:
    import shutil

    from pipeline.training import files

    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(source, temporary)
    files.rename_folder(temporary, target)
