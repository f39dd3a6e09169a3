"""What can end a training on the worker."""

from __future__ import annotations

from config.errors import Error, Postponed


class WorkerError(Error):
    """Training stopped; its checkpoints are kept and the next attempt goes on from them."""


class Superseded(WorkerError):
    """A later attempt claimed this run: nothing more is written."""


class NonFinite(WorkerError):
    """A loss or gradient was not a number: the message names step and examples."""


class Stopped(Postponed):
    """Training was asked to stop; it kept a checkpoint, and the next attempt goes on from it."""
