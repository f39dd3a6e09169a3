"""The child process that trains: `python -m pipeline.training.mlx.worker --job job.json`.

Writes one JSON event a line to standard output; the last one is `finished`, `cancelled` or
`failed`. It ends when its standard input closes, so it never outlives the parent that holds it.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec

from config.errors import Error, Postponed, of_system
from pipeline.models import blas
from pipeline.training.backend import EventKind, TrainingError, TrainingEvent, TrainingJob

_stop = threading.Event()


def main() -> int:
    """Train the job named on the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", required=True, type=Path)
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: _stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if arguments.watch_stdin:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    job = msgspec.json.decode(arguments.job.read_bytes(), type=TrainingJob)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a library prints goes into the log
            blas.load()
            from pipeline.training.mlx.training import train

            train(job, emit, _stop.is_set)
    except Error as error:
        kind: EventKind = "cancelled" if isinstance(error, Postponed) else "failed"
        emit(TrainingEvent(kind=kind, message=error.message, hint=error.hint, error=type(error).__name__))
        return error.exit_code
    except OSError as error:
        told = _told(error, job)
        emit(TrainingEvent(kind="failed", message=told.message, hint=told.hint, error=TrainingError.__name__))
        return TrainingError.exit_code
    return 0


def _told(error: OSError, job: TrainingJob) -> Error:
    hint = "Make room, then start it again: it goes on from its last checkpoint."
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Error(f"The disk that holds {job.work} is full.", hint) if full else of_system(error)


def emit(event: TrainingEvent) -> None:
    """Write an event as one line to what was standard output; a parent that has gone ends the training."""
    try:
        sys.__stdout__.buffer.write(msgspec.json.encode(event) + b"\n")  # type: ignore[union-attr]
        sys.__stdout__.buffer.flush()  # type: ignore[union-attr]
    except BrokenPipeError:
        os._exit(1)


def _end_with_parent() -> None:
    """Wait for the parent to go. Work since the last checkpoint is repeated, with the same result."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
