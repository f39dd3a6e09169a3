"""A `TrainingBackend` over any launcher and any storage: what it does here is prepare, watch, go on, bring back.

Nothing about a run is known here alone: its name is the digest of what is trained, its state lies in the
storage. So a run whose watcher died, whose cluster was lost or whose network broke is found again by
submitting the same job, and goes on from its newest checkpoint or is collected.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Generator
from pathlib import Path

import msgspec

from config.errors import Error, UsageError
from pipeline.remote import attempt, contract, layout, results
from pipeline.remote.delivery import deliver
from pipeline.remote.errors import RemoteRefused, Unreachable
from pipeline.remote.launcher import Launcher, Submission
from pipeline.remote.plan import Planned, Planner
from pipeline.remote.storage.interface import Storage
from pipeline.remote.watch import OverBudget, Patience, Watch
from pipeline.training import backend, curve, forgetting
from pipeline.training.backend import (
    TrainingCancelled,
    TrainingDataset,
    TrainingError,
    TrainingEvent,
    TrainingJob,
    TrainingResult,
)
from pipeline.training.progress import duration
from pipeline.training.recipe import Recipe

_OVER = ("ended", "gone")
_REHEARSED = 5
"""Steps that are timed before a training with a budget."""


class RemoteBackend:
    """Trains where `launcher` says, through `storage`, whose address on the worker is `there`."""

    def __init__(self, launcher: Launcher, storage: Storage, there: str, planner: Planner, patience: Patience) -> None:
        self.name = launcher.name
        self._launcher, self._storage, self._there = launcher, storage, there
        self._planner, self._patience = planner, patience
        self._jobs: dict[str, TrainingJob] = {}
        self._current: dict[str, Submission] = {}
        self._errands: set[str] = set()

    def prepare(self, recipe: Recipe, dataset: TrainingDataset) -> TrainingJob:
        """Check that the data is there and that the worker applies every key of the recipe; return the job."""
        job = backend.prepare(recipe, dataset)
        self._planner.recipe(recipe)
        return job

    def submit(self, job: TrainingJob) -> str:
        """Send the job off unless it runs or is done already; return its name."""
        backend.remember(job)
        planned = self._planner.plan(job)
        self._jobs[planned.job.spec.run] = job
        return self._begin(planned)

    def _begin(self, planned: Planned) -> str:
        """Send what is planned off unless it runs or is done already; return its name."""
        run = planned.job.spec.run
        planned.put(self._storage)
        if results.result_of(self._storage, run) is None:
            number = results.sent(self._storage, run)
            self._current[run] = Submission(run=run, number=number, storage=self._there, code=str(planned.code))
            if number == 0 or self._launcher.state(self._current[run]).kind in _OVER or self._is_stopping(run):
                self._send(run)
        return run

    def events(self, handle: str) -> Generator[TrainingEvent, None, None]:
        """Yield what the worker says until it is done, sending it off again when it was lost.

        Left before that, it has the worker keep a checkpoint and stop. Raises Unreachable when nobody
        answered for long: then the worker goes on, and the same job finds it again.
        """
        patience = msgspec.structs.replace(self._patience, budget=0.0) if handle in self._errands else self._patience
        watch, settled = Watch(handle, patience), False
        try:
            if handle in self._current:
                yield from self._watched(handle, watch)
            settled = True
        except Error as error:
            settled = isinstance(error, Unreachable | TrainingError | TrainingCancelled | RemoteRefused)
            raise
        finally:
            if not settled:
                self._stop(handle)
        yield watch.finished()

    def _watched(self, run: str, watch: Watch) -> Generator[TrainingEvent, None, None]:
        """Yield events until the result is there."""
        reader = results.Events(self._storage, run, results.begun_after(self._storage, run, self._current[run].number))
        while True:
            try:
                state = self._launcher.state(self._current[run])  # first, so that what is read next is complete
                news = reader.new()
                done = results.result_of(self._storage, run) is not None
                asked = self._is_stopping(run)
            except Unreachable as error:
                yield from watch.unreachable(error)
            else:
                over = state.kind in _OVER
                yield from watch.reached(news, ended=over and not done, asked=asked)
                if done:
                    return
                if over:
                    yield watch.lost(state)
                    with contextlib.suppress(Unreachable):  # then it isn't there, and is lost once more
                        self._send(run)
            time.sleep(watch.pause)

    def cancel(self, handle: str) -> None:
        """Ask the worker to keep a checkpoint and stop; `events` then raises TrainingCancelled."""
        self._storage.write(layout.stop_file(handle, self._current[handle].number), b"")

    def collect(self, handle: str) -> TrainingResult:
        """Bring adapter and figures here; the adapter is turned into the form it is evaluated in."""
        start = results.result_of(self._storage, handle)
        if start is None:
            raise TrainingError("The training left no result.", "Start it again.")
        job = self._jobs[handle]
        fetched = Path(job.work) / "fetched"
        return deliver(job, results.fetch(self._storage, handle, start, fetched), fetched)

    def train(self, job: TrainingJob, on_event: Callable[[TrainingEvent], None]) -> TrainingResult:
        """Train `job` to the end, handing every event to `on_event`; stage 2 again if it forgot too much."""
        self._afford(job, on_event)
        result = forgetting.train(self, job, on_event)
        curve.draw(Path(result.adapter))
        return result

    def rehearse(self, job: TrainingJob, on_event: Callable[[TrainingEvent], None]) -> contract.Rehearsal:
        """Have the worker take a few steps of `job` and return what the whole of it would take."""
        planned = self._planner.plan(job).changed(rehearsal=_REHEARSED)
        result = self._through(planned, on_event, Path(job.work) / "rehearsal", ())
        if result.rehearsed is None:
            raise TrainingError("The rehearsal measured nothing.", "Is the worker's version ours?")
        return result.rehearsed

    def finish(
        self, run: str, finish: contract.Finish, target: Path, on_event: Callable[[TrainingEvent], None]
    ) -> contract.Result:
        """Have a run that is done merged and quantised on the worker, bring the models into `target`; return figures.

        Nothing is trained again: the worker goes on from the run's last checkpoint.
        """
        if results.result_of(self._storage, run) is None:
            raise UsageError(f"Run {run} isn't done.", "`fixsmith worker cost` lists the runs.")
        job = attempt.read_job(self._storage, run)
        if job.spec.rehearsal:
            raise UsageError(
                f"Run {run} was a rehearsal: it made no adapter.", "`fixsmith worker cost` lists the runs."
            )
        planned = self._planner.again(job).changed(after=run, finish=finish)
        return self._through(planned, on_event, target, contract.MODELS)

    def cost(self, seconds: float) -> float:
        """Return what so many seconds cost, in the currency of the price."""
        return seconds / 3600 * self._patience.hourly_price

    def _through(
        self, planned: Planned, on_event: Callable[[TrainingEvent], None], target: Path, wanted: Collection[str]
    ) -> contract.Result:
        """See a run that trains nothing through, and bring what is wanted of it into `target`."""
        run = self._begin(planned)
        self._errands.add(run)
        with contextlib.closing(self.events(run)) as events:
            for event in events:
                on_event(event)
        start = results.result_of(self._storage, run)
        if start is None:
            raise TrainingError("The worker left no result.", f"`fixsmith worker logs {run}`")
        return results.fetch(self._storage, run, start, target, wanted)

    def _afford(self, job: TrainingJob, on_event: Callable[[TrainingEvent], None]) -> None:
        """Raise OverBudget before the start of a training that would cost more than may be spent."""
        budget = self._patience.budget
        if not budget or results.sent(self._storage, self._planner.plan(job).job.spec.run):
            return
        found = self.rehearse(job, on_event)
        cost = self.cost(found.seconds)
        told = f"{duration(found.seconds)}, {found.peak_memory_bytes / 1e9:.1f} GB, cost {cost:.2f}"
        on_event(TrainingEvent(kind="started", message=f"{found.steps} steps, by a rehearsal: {told}"))
        if cost > budget:
            raise OverBudget(
                f"The training would take {told}: more than remote.budget ({budget:.2f}).",
                "Nothing was trained. Raise the budget, or train less.",
            )

    def close(self) -> None:
        """Let go of connections."""
        self._launcher.close()

    def _send(self, run: str) -> None:
        """Send the run off once more; that it was is written down first, with the start it comes after."""
        self._end(run)
        begun = results.starts(self._storage, run)
        last = self._current[run]
        following = Submission(run=run, number=last.number + 1, storage=last.storage, code=last.code)
        self._storage.write(layout.sent_file(run, following.number), str(begun[-1].number if begun else 0).encode())
        self._current[run] = following
        self._launcher.start(following)

    def _is_stopping(self, run: str) -> bool:
        """Tell whether the current submission was asked to stop."""
        asked = layout.stop_file(run, self._current[run].number)
        return any(entry.name == asked for entry in self._storage.entries(layout.control(run)))

    def _stop(self, run: str) -> None:
        """Have the worker keep a checkpoint and stop, for as long as that may take; then end it."""
        with contextlib.suppress(Unreachable):
            self.cancel(run)
            self._end(run)

    def _end(self, run: str) -> None:
        """Wait until the current submission, if it was asked to stop, has; then end it."""
        deadline = time.monotonic() + self._patience.stop
        current = self._current[run]
        if current.number == 0 or self._launcher.state(current).kind in _OVER:
            return
        while self._launcher.state(current).kind not in _OVER and time.monotonic() < deadline:
            time.sleep(min(self._patience.poll, 1.0))
        self._launcher.stop(current)
