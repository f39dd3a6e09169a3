"""The seam where training happens: protocol, records and errors. One backend a file implements it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from config.errors import Error, InputRefused, Postponed, UsageError
from pipeline.training.figures import TrainingFigures
from pipeline.training.recipe import Recipe

JOB = "job.json"  # in the work folder
EventKind = Literal["started", "step", "valid", "checkpoint", "warning", "excluded", "finished", "cancelled", "failed"]


class TrainingDataset(msgspec.Struct, frozen=True, kw_only=True):
    """What to train on and where: JSONL files of conversations, folders, base model; paths as text.

    `work` is kept across kills and holds the checkpoints; `output` appears whole, at the end.
    """

    base_model: str
    train: str
    valid: str
    output: str
    work: str
    resume_adapter: str | None = None
    replay: str | None = None
    replay_valid: str | None = None


class TrainingJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prepared training. `replay` is stage 1's data, `replay_valid` what its loss is measured on."""

    base_model: str
    train: str
    valid: str
    output: str
    work: str
    recipe: Recipe
    resume_adapter: str | None = None
    replay: str | None = None
    replay_valid: str | None = None


class TrainingEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to show: one JSON line a piece. Losses are nats a token, memory is in bytes."""

    kind: EventKind
    message: str = ""
    hint: str = ""
    error: str = ""
    step: int | None = None
    steps: int | None = None
    epoch: float | None = None
    loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    tokens_per_second: float | None = None
    peak_memory_bytes: int | None = None
    seconds_left: float | None = None


class TrainingResult(TrainingFigures, frozen=True, kw_only=True):
    """What came out: the adapter's folder and the figures."""

    adapter: str


class TrainingError(Error):
    """Training stopped; its checkpoints are kept and the same job goes on from them."""


class NonFiniteTraining(TrainingError):
    """A loss or gradient was not a number: the message names step and examples."""


class TrainingCancelled(Postponed):
    """Training was asked to stop; it kept a checkpoint and goes on when the job is started again."""


ERRORS: dict[str, type[Error]] = {
    kind.__name__: kind
    for kind in (Error, UsageError, InputRefused, TrainingError, NonFiniteTraining, TrainingCancelled)
}
"""What a worker can end with, by the name it says it with."""


class TrainingBackend(Protocol):
    """Where training happens. Every implementation passes the same contract suite."""

    name: str

    def prepare(self, recipe: Recipe, dataset: TrainingDataset) -> TrainingJob:
        """Check recipe and data cheaply and return the job; raises `UsageError` or `InputRefused`."""

    def submit(self, job: TrainingJob) -> str:
        """Start the job and return its handle. The same job again goes on where it stood."""

    def events(self, handle: str) -> Generator[TrainingEvent, None, None]:
        """Yield what happens until the job ends; raises its error, `Postponed` when it was cancelled.

        Closed before that, it has the job keep a checkpoint and stop.
        """

    def cancel(self, handle: str) -> None:
        """Ask the job to keep a checkpoint and stop."""

    def collect(self, handle: str) -> TrainingResult:
        """Return adapter and metrics of a job that ended well."""


def prepare(recipe: Recipe, dataset: TrainingDataset) -> TrainingJob:
    """Return the job for `dataset` after checking that what it names is there."""
    files = [dataset.train, dataset.valid, *filter(None, (dataset.replay, dataset.replay_valid))]
    for path in files:
        if not Path(path).is_file():
            raise InputRefused(f"The data set file {path} is missing.", "Repeat the stage that writes it.")
    return TrainingJob(recipe=recipe, **msgspec.structs.asdict(dataset))


def remember(job: TrainingJob) -> Path:
    """Write the job into its work folder and return the file: what was last started there."""
    from pipeline.training import files

    path = Path(job.work) / JOB
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, msgspec.json.encode(job))
    return path


def earlier(job: TrainingJob) -> TrainingJob | None:
    """Return the job that was last started in `job`'s work folder, if any."""
    try:
        return msgspec.json.decode((Path(job.work) / JOB).read_bytes(), type=TrainingJob)
    except (OSError, msgspec.MsgspecError):
        return None


def run(backend: TrainingBackend, job: TrainingJob, on_event: Callable[[TrainingEvent], None]) -> TrainingResult:
    """Submit `job`, hand every event to `on_event`, and return the result."""
    handle = backend.submit(job)
    with contextlib.closing(backend.events(handle)) as events:
        for event in events:
            on_event(event)
    return backend.collect(handle)
