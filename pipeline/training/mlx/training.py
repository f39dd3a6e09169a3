"""A whole training in this process: load, plan, loop, write. Called by the worker."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from pipeline.models.base import digest, file_digest
from pipeline.models.load import load, quantize
from pipeline.training import files
from pipeline.training.backend import TrainingEvent, TrainingJob, TrainingResult
from pipeline.training.mlx import adapters, data, memory
from pipeline.training.mlx.adapters import Weights
from pipeline.training.mlx.checkpoint import Progress
from pipeline.training.mlx.data import Data
from pipeline.training.mlx.loop import RECENT, Emit, Loop
from pipeline.training.mlx.step import Stepper

RESULT = "result.json"
METRICS = "metrics.jsonl"


def train(job: TrainingJob, emit: Emit, cancelled: Callable[[], bool]) -> TrainingResult:
    """Train `job` from where it stands, write its output folder whole, and return the figures."""
    model, tokenizer = load(Path(job.base_model))
    quantize(model, job.recipe.quantization)
    weights = adapters.attach(model, job.recipe)
    if job.resume_adapter:
        weights = adapters.read(Path(job.resume_adapter), weights, job.recipe)
    read = data.load(job, tokenizer)
    _say_excluded(read, emit)
    known = identity(job)
    planned = memory.planned(job, model, weights, read, known, emit)
    stepper = Stepper(model, planned.recipe(job.recipe), read.examples, planned.token_budget, planned.keep_lower)
    loop = Loop(job, read, stepper, weights, known, emit, cancelled)
    done = loop.run()
    result = _result(job, read, loop, done)
    _write(job, model, loop.best, result, done)
    emit(TrainingEvent(kind="finished", step=done.step, steps=loop.steps, loss=result.train_loss_last))
    return result


def identity(job: TrainingJob) -> str:
    """Return the digest of all that decides the result: base, data, recipe, adapter, versions."""
    from importlib.metadata import version

    inputs = [job.train, job.valid, job.replay, job.replay_valid]
    if job.resume_adapter:
        inputs += [str(Path(job.resume_adapter) / name) for name in (adapters.WEIGHTS, adapters.CONFIG)]
    parts = [digest(Path(job.base_model)), msgspec.json.encode(job.recipe).decode()]
    parts += [file_digest(Path(path)) if path else "" for path in inputs]
    parts += [version("mlx"), version("mlx-lm")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _say_excluded(read: Data, emit: Emit) -> None:
    if read.shortened:
        emit(TrainingEvent(kind="warning", message=f"{read.shortened} examples were shortened to fit."))
    for name in read.too_long:
        emit(TrainingEvent(kind="excluded", message=f"{name} is too long even when shortened."))
    if read.too_long:
        message = f"{len(read.too_long)} examples are too long and were left out."
        emit(TrainingEvent(kind="warning", message=message, hint="Raise `max_tokens`."))


def _result(job: TrainingJob, read: Data, loop: Loop, done: Progress) -> TrainingResult:
    after = loop.stepper.validation(read.replay_valid, loop.best) if read.replay_valid else None
    last = done.losses[-RECENT:]
    return TrainingResult(
        adapter=job.output,
        steps=done.step,
        epochs=done.step / loop.per_epoch,
        train_loss_first=done.losses[0],
        train_loss_last=sum(last) / len(last),
        valid_loss_first=done.valid[0][1] if done.valid else None,
        valid_loss_best=done.best_loss,
        best_step=done.best_step,
        examples=len(read.train),
        examples_seen=done.examples_seen,
        shortened=read.shortened,
        too_long=read.too_long,
        stopped_early=done.stopped_early,
        tokens_seen=done.tokens_seen,
        seconds=done.seconds,
        peak_memory_bytes=done.peak_memory_bytes,
        replay_share=job.recipe.replay_share if read.replay else 0.0,
        replay_loss_before=done.replay_loss_before,
        replay_loss_after=after,
        warnings=done.warnings,
    )


def _write(job: TrainingJob, model: Any, best: Weights, result: TrainingResult, done: Progress) -> None:
    output = Path(job.output)
    temporary = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    adapters.write(temporary, best, model, job.recipe)
    files.write(temporary / METRICS, metrics(done))
    files.write(temporary / RESULT, msgspec.json.encode(result))
    files.rename_folder(temporary, output)
    mx.clear_cache()


def metrics(done: Progress) -> bytes:
    """Return the loss curve as JSON lines: {"step", "loss"} of training, {"step", "valid"} of validation."""
    lines = [{"step": step, "loss": loss} for step, loss in enumerate(done.losses, 1)]
    lines += [{"step": step, "valid": loss} for step, loss in done.valid]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
