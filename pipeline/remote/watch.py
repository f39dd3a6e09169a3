"""What a watcher makes of a remote run: its events in our words, its silences, its losses, its end."""

from __future__ import annotations

import time
from collections.abc import Generator

import msgspec

from config.errors import UsageError
from pipeline.remote import contract
from pipeline.remote.contract import Event
from pipeline.remote.errors import Unreachable
from pipeline.remote.launcher import State
from pipeline.training import backend
from pipeline.training.backend import EventKind, TrainingCancelled, TrainingError, TrainingEvent

_KINDS: dict[contract.EventKind, EventKind] = {
    "started": "started",
    "progress": "step",
    "validation": "valid",
    "checkpoint": "checkpoint",
    "warning": "warning",
    "excluded": "excluded",
    "finishing": "checkpoint",
}
_SHARED = ("step", "steps", "epoch", "loss", "learning_rate", "gradient_norm", "tokens_per_second",
           "peak_memory_bytes", "seconds_left", "message", "hint")  # fmt: skip


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How often is asked and how long is waited, in seconds."""

    poll: float = 5.0
    lost: float = 900.0
    """Nobody answers for so long: the run waits for better times."""
    stop: float = 120.0
    """For a checkpoint, after being asked to stop."""
    losses: int = 5
    """So often in a row lost without a step gained: it is given up."""
    hourly_price: float = 0.0
    budget: float = 0.0
    """Most the training may cost, at `hourly_price`; 0: no limit."""


class OverBudget(UsageError):
    """The training takes more than may be spent; it was stopped at a checkpoint."""


class Watch:
    """Follows one run."""

    def __init__(self, run: str, patience: Patience) -> None:
        self._run, self._patience = run, patience
        self._silent_since: float | None = None
        self._step = self._gained = 0
        self._losses = 0
        self._last: Event | None = None
        self._began: float | None = None
        self._newest: TrainingEvent | None = None

    def reached(self, events: list[Event], *, ended: bool, asked: bool) -> Generator[TrainingEvent, None, None]:
        """Yield what was said; of a submission that `ended`, raise the worker's own error, or TrainingCancelled
        when it was `asked` to stop. One that stopped by itself (its machine was taken away) was merely lost.
        """
        self._silent_since = None
        for event in events:
            self._last = event
            self._step = max(self._step, event.step or 0)
            self._afford(event)
            if event.kind in _KINDS:
                shared = {name: getattr(event, name) for name in _SHARED}
                heard = TrainingEvent(kind=_KINDS[event.kind], **shared)
                self._newest = heard if heard.loss is not None and heard.kind == "step" else self._newest
                yield heard
        if ended and asked:
            told = TrainingCancelled("The training was stopped.", "The same command goes on from its checkpoint.")
            yield TrainingEvent(kind="cancelled", message=told.message, hint=told.hint)
            raise told
        if ended and self._last is not None and self._last.kind == "failed":
            yield from self._failure(self._last)

    def unreachable(self, error: Unreachable) -> Generator[TrainingEvent, None, None]:
        """Say once that nobody answers; raise `error` when that lasts."""
        if self._silent_since is None:
            self._silent_since = time.monotonic()
            yield TrainingEvent(kind="warning", message=f"{error.message} What runs there goes on; trying again.")
        elif time.monotonic() - self._silent_since > self._patience.lost:
            raise error

    def lost(self, state: State) -> TrainingEvent:
        """Return what is told of a loss; raise TrainingError after too many without a step gained."""
        self._losses = 0 if self._step > self._gained else self._losses + 1
        self._gained = max(self._gained, self._step)
        why = f" ({state.message})" if state.message else ""
        if self._losses >= self._patience.losses:
            raise TrainingError(
                f"The worker was lost {self._losses} times without a step gained{why}.",
                f"Look at `fixsmith worker logs {self._run}`.",
            )
        return TrainingEvent(kind="warning", message=f"The worker was lost{why}; it goes on from its checkpoint.")

    @property
    def pause(self) -> float:
        """Return the seconds until the next look, longer after losses without a step gained."""
        return float(min(self._patience.poll * 2**self._losses, max(60.0, self._patience.poll)))

    def finished(self) -> TrainingEvent:
        """Return the last event."""
        newest = self._newest
        return TrainingEvent(
            kind="finished", step=newest.step if newest else None, steps=newest.steps if newest else None,
            loss=newest.loss if newest else None,
        )  # fmt: skip

    def _afford(self, event: Event) -> None:
        """Raise OverBudget once what was and will be spent is more than may be."""
        self._began = event.time if self._began is None else self._began
        if not self._patience.budget or event.seconds_left is None:
            return
        cost = (event.time - self._began + event.seconds_left) / 3600 * self._patience.hourly_price
        if cost > self._patience.budget:
            raise OverBudget(
                f"The training would cost {cost:.2f}, more than remote.budget ({self._patience.budget:.2f}).",
                "It keeps its checkpoint. Raise the budget to go on, or train less.",
            )

    def _failure(self, last: Event) -> Generator[TrainingEvent, None, None]:
        error = backend.ERRORS.get(last.error, TrainingError)
        yield TrainingEvent(kind="failed", message=last.message, hint=last.hint, error=error.__name__)
        raise error(last.message or "The worker failed.", last.hint or f"`fixsmith worker logs {self._run}`")
