"""The training loop: steps, validation, checkpoints, early stopping, and what is said about it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from pipeline.training import course, energy
from pipeline.training.backend import NonFiniteTraining, TrainingCancelled, TrainingEvent, TrainingJob
from pipeline.training.course import Progress
from pipeline.training.data import Data
from pipeline.training.mlx import checkpoint
from pipeline.training.mlx.adapters import Weights
from pipeline.training.mlx.checkpoint import State
from pipeline.training.mlx.elementwise import number as as_number
from pipeline.training.mlx.optimizer import Optimizer, clipped
from pipeline.training.mlx.step import Outcome, Stepper
from pipeline.training.order import epoch_steps, replay_count, step_count
from pipeline.training.recipe import examples_per_step

Emit = Callable[[TrainingEvent], None]
NAMED = 8  # examples named in a message


class Loop:
    """One training, from its newest checkpoint or its beginning, to its end."""

    def __init__(
        self,
        job: TrainingJob,
        data: Data,
        stepper: Stepper,
        weights: Weights,
        identity: str,
        emit: Emit,
        cancelled: Callable[[], bool],
    ) -> None:
        self.job, self.recipe, self.data, self.stepper = job, job.recipe, data, stepper
        self.weights, self.best, self.emit, self.cancelled = weights, dict(weights), emit, cancelled
        self.progress = Progress(identity=identity)
        self.optimizer = Optimizer(self.recipe, weights)
        self.folder = Path(job.work) / "checkpoints"
        replayed = replay_count(len(data.train), len(data.replay), self.recipe.replay_share)
        self.per_epoch = step_count(len(data.train) + replayed, examples_per_step(self.recipe))
        self.steps = self.per_epoch * self.recipe.max_epochs
        self.saved = -1
        self.drawn: tuple[int, list[list[int]]] | None = None  # an epoch, and its steps
        self.meter, self.metered = energy.meter(), 0.0

    def run(self) -> Progress:
        """Train to the end; raises `TrainingCancelled` after a checkpoint, `NonFiniteTraining` at once."""
        self._resume()
        self._announce()
        self._begin_to_meter()
        if self.recipe.kl_weight and self.job.resume_adapter:
            self._remember_stage_one()
        if self.progress.step == 0 and not self.progress.valid:
            self._before_the_first_step()
        segment = time.monotonic()
        while self.progress.step < self.steps and not self.progress.stopped_early:
            self._step()
            if self.progress.step % self.recipe.eval_steps == 0 or self.progress.step == self.steps:
                self._validate()
            if self.progress.step % self.recipe.save_steps == 0:
                self.save()
            if self.cancelled():
                self.save()
                raise TrainingCancelled(
                    f"Training stopped after step {self.progress.step}.", "Start it again to go on."
                )
            segment = self._pause(segment)
        self._meter()
        self.save()
        return self.progress

    def _resume(self) -> None:
        foreign, damaged = checkpoint.clear(self.folder, self.progress.identity)
        if foreign:
            self.warn("Checkpoints of another data set, recipe, model or version of MLX were removed.")
        if damaged:
            self.warn("Damaged checkpoints were removed; training goes on from an earlier one, or begins anew.")
        found = checkpoint.newest(self.folder, self.progress.identity)
        if found is None:
            return
        self.progress, state = found
        self.weights = {name: state.weights[name] for name in self.weights}
        self.best, self.optimizer.state = state.best, state.optimizer
        self.saved = self.progress.step

    def _announce(self) -> None:
        again = f", going on after step {self.progress.step}" if self.progress.step else ""
        message = f"{len(self.data.train)} examples, {self.steps} steps{again}"
        self.emit(TrainingEvent(kind="started", message=message, step=self.progress.step, steps=self.steps))

    def _remember_stage_one(self) -> None:
        start = checkpoint_start(self.job, self.weights, self.stepper.recipe)
        self.stepper.remember([*self.data.train, *self.data.replay], start)

    def _before_the_first_step(self) -> None:
        self._validate()
        if self.data.replay_valid:
            before = self._validation(self.data.replay_valid)
            self.progress = msgspec.structs.replace(self.progress, replay_loss_before=before)

    def _step(self) -> None:
        started, number = time.monotonic(), self.progress.step
        epoch, place = divmod(number, self.per_epoch)
        chosen = self._chosen(epoch)[place]
        outcome = self.stepper.step(chosen, self.weights, number)
        gradients, norm = clipped(outcome.gradients, self.recipe.gradient_clip)
        self._check(outcome, as_number(norm), number)
        recipe = self.recipe
        rate = course.learning_rate(
            recipe.learning_rate, recipe.warmup_steps, recipe.schedule, course.FLOOR, number, self.steps
        )
        self.weights = self.optimizer.apply(self.weights, gradients, rate)
        mx.eval(self.weights, self.optimizer.state)
        self._count(outcome, chosen, time.monotonic() - started)
        self._say(as_number(norm), rate, outcome, time.monotonic() - started)

    def _chosen(self, epoch: int) -> list[list[int]]:
        if self.drawn is None or self.drawn[0] != epoch:
            recipe, data = self.recipe, self.data
            per_step, seed = examples_per_step(recipe), recipe.seed
            steps = epoch_steps(len(data.train), len(data.replay), recipe.replay_share, per_step, seed, epoch)
            self.drawn = epoch, steps
        return self.drawn[1]

    def _check(self, outcome: Outcome, norm: float, number: int) -> None:
        if math.isfinite(as_number(outcome.loss)) and math.isfinite(norm):
            return
        names = self._culprits([example for row in outcome.rows for example in row.examples])
        raise NonFiniteTraining(
            f"Loss or gradient is not a number at step {number + 1}, in {names}.",
            "Lower `learning_rate`; if it happens at the first step, look at that example.",
        )

    def _validation(self, held_out: Sequence[int]) -> float:
        loss = self.stepper.validation(held_out, self.weights)
        if math.isfinite(loss):
            return loss
        raise NonFiniteTraining(
            f"The validation loss after step {self.progress.step} is not a number, in {self._culprits(held_out)}.",
            "Lower `learning_rate`; if it happens before the first step, look at that example and the base model.",
        )

    def _culprits(self, together: Sequence[int]) -> str:
        """Name the examples whose own loss isn't a number; where none is it alone, all of them."""
        losses = {number: self.stepper.validation([number], self.weights) for number in together}
        culprits = [number for number, loss in losses.items() if not math.isfinite(loss)] or together
        names = [self.data.examples[number].name for number in culprits]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return ", ".join(names[:NAMED]) + more

    def _count(self, outcome: Outcome, chosen: list[int], seconds: float) -> None:
        done = self.progress
        self.progress = msgspec.structs.replace(
            done,
            step=done.step + 1,
            losses=(*done.losses, as_number(outcome.loss)),
            tokens_seen=done.tokens_seen + sum(len(self.data.examples[number].tokens) for number in chosen),
            examples_seen=done.examples_seen + len(chosen),
            seconds=done.seconds + seconds,
            peak_memory_bytes=max(done.peak_memory_bytes, mx.get_peak_memory()),
        )
        self._meter()

    def _begin_to_meter(self) -> None:
        """Count from zero; a part that was done without a meter leaves the whole unknown."""
        if self.meter is not None and self.progress.step == 0:
            self.progress = msgspec.structs.replace(self.progress, joules=0.0, energy_from=self.meter.name)
        if self.meter is None or self.meter.name != self.progress.energy_from:
            self.progress = msgspec.structs.replace(self.progress, joules=None, energy_from="")

    def _meter(self) -> None:
        if self.meter is None or self.progress.joules is None:
            return
        now = self.meter.joules()
        self.progress = msgspec.structs.replace(self.progress, joules=self.progress.joules + now - self.metered)
        self.metered = now

    def _say(self, norm: float, rate: float, outcome: Outcome, seconds: float) -> None:
        done = self.progress
        tokens = sum(len(self.data.examples[number].tokens) for row in outcome.rows for number in row.examples)
        self.emit(
            TrainingEvent(
                kind="step",
                step=done.step,
                steps=self.steps,
                epoch=done.step / self.per_epoch,
                loss=done.losses[-1],
                learning_rate=rate,
                gradient_norm=norm,
                tokens_per_second=tokens / seconds,
                peak_memory_bytes=done.peak_memory_bytes,
                seconds_left=done.seconds / done.step * (self.steps - done.step),
            )
        )

    def _validate(self) -> None:
        if not self.data.valid:
            self.best = dict(self.weights)
            self.progress = msgspec.structs.replace(self.progress, best_step=self.progress.step)
            return
        loss = self._validation(self.data.valid)
        self.progress, better = course.validated(self.progress, loss, self.recipe.early_stopping_patience)
        done = self.progress
        if better:
            self.best = dict(self.weights)
        self.emit(
            TrainingEvent(kind="valid", step=done.step, steps=self.steps, loss=loss, epoch=done.step / self.per_epoch)
        )
        if noticed := course.warning(done, self.steps):
            self.warn(noticed)

    def warn(self, message: str) -> None:
        """Say `message` once, and keep it for the result."""
        if message not in self.progress.warnings:
            self.progress = msgspec.structs.replace(self.progress, warnings=(*self.progress.warnings, message))
            self.emit(TrainingEvent(kind="warning", message=message, step=self.progress.step))

    def save(self) -> None:
        """Write a checkpoint unless this step has one."""
        if self.saved == self.progress.step:
            return
        state = State(self.weights, self.optimizer.state, self.best)
        checkpoint.save(self.folder, self.progress, state, self.recipe.keep_checkpoints)
        self.saved = self.progress.step
        self.emit(TrainingEvent(kind="checkpoint", step=self.progress.step, steps=self.steps))

    def _pause(self, segment: float) -> float:
        recipe = self.recipe
        due = recipe.segment_seconds and time.monotonic() - segment > recipe.segment_seconds
        if not due or not mx.metal.is_available():
            return segment
        time.sleep(recipe.pause_seconds)
        return time.monotonic()


def checkpoint_start(job: TrainingJob, like: Weights, recipe: Any) -> Weights:
    """Return stage 1's adapter, which a second stage starts from."""
    from pipeline.training.mlx import adapters

    return adapters.read(Path(str(job.resume_adapter)), like, recipe)
