"""The worker as a child process: it dies with whoever started it, and is asked to stop by SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

BEAT_SECONDS = 0.5
_DISTRIBUTED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
GRACE_SECONDS = 600.0
"""For a step and a checkpoint after being asked to stop."""


def command(processes: int = 1) -> list[str]:
    """Return how the worker is started; several processes of one machine by torchrun."""
    module = ["-m", "pipeline.remote.leashed", "pipeline.remote.worker"]
    if processes == 1:
        return [sys.executable, *module]
    many = ["-m", "pipeline.remote.leashed", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [sys.executable, *many, *module]


def trainer(command: Sequence[str], environment: Mapping[str, str]) -> Callable[[Path, Callable[[], bool]], int]:
    """Return a function that trains a spec in a child and returns its exit code (negative: a signal)."""

    def train(spec: Path, must_stop: Callable[[], bool]) -> int:
        process = subprocess.Popen(
            [*command, "--spec", str(spec)], env=_inherited() | dict(environment) | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return _watched(process, must_stop)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    return train


def _inherited() -> dict[str, str]:
    """Return our environment without the place in a group of processes: the child's is its own."""
    return {name: value for name, value in os.environ.items() if name not in _DISTRIBUTED}


def _watched(process: subprocess.Popen[bytes], must_stop: Callable[[], bool]) -> int:
    limit: float | None = None
    while True:
        try:
            return process.wait(BEAT_SECONDS)
        except subprocess.TimeoutExpired:
            if limit is None and must_stop():
                process.send_signal(signal.SIGTERM)
                limit = time.monotonic() + GRACE_SECONDS
            elif limit is not None and time.monotonic() > limit:
                process.kill()
