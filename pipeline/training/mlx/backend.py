"""The `mlx` backend: trains on this machine, in a child process; MLX is never imported here."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import msgspec

from config.errors import Error
from pipeline.models import blas
from pipeline.training import backend, curve, forgetting
from pipeline.training.backend import (
    TrainingCancelled,
    TrainingDataset,
    TrainingError,
    TrainingEvent,
    TrainingJob,
    TrainingResult,
)
from pipeline.training.recipe import Recipe

_LOG = "worker.log"
GRACE_SECONDS = 20.0  # for a step and a checkpoint, when the parent is told to stop
# glibc hands freed memory back at once, and the next array pays for clean pages again: here it keeps it
_HEAP = {
    "MALLOC_MMAP_THRESHOLD_": 4 << 30,
    "MALLOC_TRIM_THRESHOLD_": 16 << 30,
    "MALLOC_TOP_PAD_": 64 << 20,
}


class MlxBackend:
    """Trains with MLX in a child that ends when this process does."""

    name = "mlx"

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._jobs: dict[str, TrainingJob] = {}

    def prepare(self, recipe: Recipe, dataset: TrainingDataset) -> TrainingJob:
        """Check that the data is there and return the job."""
        return backend.prepare(recipe, dataset)

    def submit(self, job: TrainingJob) -> str:
        """Start the child; the same job again goes on from its newest checkpoint."""
        work = Path(job.work)
        path = backend.remember(job)
        handle = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        command = [sys.executable, "-m", "pipeline.training.mlx.worker", "--job", str(path), "--watch-stdin"]
        with (work / _LOG).open("wb") as log:
            self._children[handle] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment()
            )
        self._jobs[handle] = job
        return handle

    def events(self, handle: str) -> Generator[TrainingEvent, None, None]:
        """Yield the child's events; raises its error, or says how it ended."""
        child, last = self._children[handle], None
        lines = child.stdout or ()
        try:
            for line in lines:
                last = msgspec.json.decode(line, type=TrainingEvent)
                yield last
            child.wait()
        finally:
            self._end(child)
        if last is not None and last.kind in ("failed", "cancelled"):
            raise backend.ERRORS.get(last.error, TrainingError)(last.message, last.hint)
        if child.returncode != 0:
            raise _ended(child.returncode, Path(self._jobs[handle].work) / _LOG)

    def cancel(self, handle: str) -> None:
        """Ask the child to keep a checkpoint and stop; `events` then raises `TrainingCancelled`."""
        child = self._children[handle]
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)

    def collect(self, handle: str) -> TrainingResult:
        """Return the adapter's folder and the figures."""
        path = Path(self._jobs[handle].output) / "result.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=TrainingResult)
        except (OSError, msgspec.MsgspecError) as error:
            raise TrainingError("The training left no result.", "Start it again.") from error

    def train(self, job: TrainingJob, on_event: Callable[[TrainingEvent], None]) -> TrainingResult:
        """Train `job` to the end, handing every event to `on_event`; stage 2 again if it forgot too much."""
        result = forgetting.train(self, job, on_event)
        curve.draw(Path(result.adapter))
        return result

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        """Let a child that still runs keep a checkpoint, for a while; then close its input, which ends it."""
        if child.poll() is None and child.stdout is not None:
            child.terminate()
            limit = threading.Timer(GRACE_SECONDS, child.kill)
            limit.start()
            with contextlib.suppress(ValueError, OSError):
                child.stdout.read()
            limit.cancel()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()
        child.wait()


def environment() -> dict[str, str]:
    """Return what a training process finds in its environment; the same on an idle and on a busy machine."""
    result = blas.environment()
    root = str(Path(__file__).resolve().parents[3])
    result["PYTHONPATH"] = os.pathsep.join(filter(None, (root, result.get("PYTHONPATH"))))
    result["PYTHONUNBUFFERED"] = "1"
    result["TOKENIZERS_PARALLELISM"] = "false"
    result.setdefault("OPENBLAS_NUM_THREADS", str(os.cpu_count() or 1))  # it decides rounding: never by load
    for name, size in _HEAP.items():
        result.setdefault(name, str(size))
    result.setdefault("AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "1")
    return result


def _ended(code: int, log: Path) -> Error:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    said = lines[-1] if lines else "it said nothing"
    if any("Impacting Interactivity" in line or "ImpactingInteractivity" in line for line in lines):
        return TrainingCancelled(
            "macOS stopped the training because it held up the display.",
            "Start it again, best with the display asleep: it goes on from its checkpoint.",
        )
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return TrainingError(
        f"The training process ended by {how}: {said}", "Start it again: it goes on from its last checkpoint."
    )
