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
from pipeline.training import data, files
from pipeline.training.backend import TrainingEvent, TrainingJob, TrainingResult
from pipeline.training.course import Progress, figures, metrics
from pipeline.training.data import Data
from pipeline.training.mlx import adapters, architecture, memory
from pipeline.training.mlx.adapters import Weights
from pipeline.training.mlx.loop import Emit, Loop
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
    recipe = job.recipe
    replay = job.replay if recipe.replay_share else None
    read = data.load(
        tokenizer, recipe.max_tokens, train=job.train, replay=replay, valid=job.valid, replay_valid=job.replay_valid
    )
    architecture.check(model, read.examples)
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
    return TrainingResult(
        adapter=job.output,
        examples=len(read.train),
        shortened=read.shortened,
        too_long=read.too_long,
        replay_share=job.recipe.replay_share if read.replay else 0.0,
        replay_loss_after=after,
        **figures(done, loop.per_epoch),
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
