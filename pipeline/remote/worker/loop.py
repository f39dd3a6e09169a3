"""The training loop: steps, validation, checkpoints, early stopping, and what is said about it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from pipeline.remote.contract import CHECKPOINTS, EventKind, Manifest, Position, Rehearsal, Spec
from pipeline.remote.worker import base, checkpoint, optimizer
from pipeline.remote.worker.checkpoint import State, Tensors
from pipeline.remote.worker.errors import NonFinite, Stopped
from pipeline.remote.worker.step import Outcome, Stepper
from pipeline.training import course
from pipeline.training.course import Progress
from pipeline.training.data import Data
from pipeline.training.order import epoch_steps, replay_count, step_count

Say = Callable[..., None]
OnCheckpoint = Callable[[Path | None, int], None]


class Loop:
    """One training, from its newest checkpoint or its beginning, to its end."""

    def __init__(
        self,
        spec: Spec,
        data: Data,
        stepper: Stepper,
        identity: str,
        say: Say,
        check: Callable[[], None],
        stop: Callable[[], bool],
        on_checkpoint: OnCheckpoint,
    ) -> None:
        self.spec, self.recipe, self.data, self.stepper = spec, spec.recipe, data, stepper
        self.devices, self.say, self.check, self.stop = stepper.devices, say, check, stop
        self.on_checkpoint = on_checkpoint
        self.progress = Progress(identity=identity)
        self.optimizer = optimizer.build(self.recipe, stepper.parameters)
        self.best: Tensors = {}
        self.folder = Path(spec.work) / CHECKPOINTS
        replayed = replay_count(len(data.train), len(data.replay), self.recipe.replay_share)
        self.per_step = self.recipe.batch_size * self.recipe.gradient_accumulation
        self.per_epoch = step_count(len(data.train) + replayed, self.per_step)
        self.steps = self.per_epoch * self.recipe.max_epochs
        self.saved = -1
        self.order: tuple[int, list[list[int]]] = (-1, [])

    def run(self) -> Progress:
        """Train to the end; raises `Stopped` after a checkpoint, `NonFinite` at once."""
        self._resume()
        again = f", going on after step {self.progress.step}" if self.progress.step else ""
        self._event("started", message=f"{len(self.data.train)} examples, {self.steps} steps{again}")
        if self.progress.step == 0 and not self.progress.valid:
            self._before_the_first_step()
        while self.progress.step < self.steps and not self.progress.stopped_early:
            self._step()
            if self.progress.step % self.recipe.eval_steps == 0 or self.progress.step == self.steps:
                self._validate()
            if self.progress.step % self.recipe.save_steps == 0:
                self._save()
            if self._told_to_stop():
                self._save()
                raise Stopped(f"Training stopped after step {self.progress.step}.", "Start the next attempt to go on.")
        self._save()
        return self.progress

    def rehearse(self, count: int) -> Rehearsal:
        """Time `count` steps after a first one, and a validation; return what the whole training would take."""
        self._event("started", message=f"a rehearsal of {count} of {self.steps} steps")
        began = time.monotonic()
        if self.data.valid:
            self.stepper.validation(self.data.valid)
        validations = (time.monotonic() - began) * (1 + -(-self.steps // self.recipe.eval_steps))
        self._step()
        first = self.progress
        while self.progress.step < min(self.steps, 1 + count):
            self._step()
        timed = self.progress.step - first.step
        seconds = (self.progress.seconds - first.seconds) if timed else first.seconds
        tokens = (self.progress.tokens_seen - first.tokens_seen) if timed else first.tokens_seen
        return Rehearsal(
            steps=self.steps,
            seconds=seconds / max(1, timed) * self.steps + validations,
            tokens_per_second=tokens / seconds,
            peak_memory_bytes=self.progress.peak_memory_bytes,
        )

    def _resume(self) -> None:
        state = None
        if self.devices.rank == 0:
            removed = checkpoint.clear(self.folder, self.progress.identity)
            if removed:
                self.warn(f"{', '.join(removed)}: damaged or of another training, and removed.")
            state = checkpoint.newest(self.folder, self.progress.identity)
        state = self.devices.share(state)
        if state is None:
            self.best = base.weights(self.stepper.model)
            return
        self.progress, self.best, self.saved = state.progress, state.best, state.progress.step
        base.put(self.stepper.model, state.weights)
        optimizer.put(self.optimizer, state.optimizer, state.optimizer_rest)

    def _before_the_first_step(self) -> None:
        self._validate()
        if self.data.replay_valid:
            before = self.stepper.validation(self.data.replay_valid)
            self.progress = msgspec.structs.replace(self.progress, replay_loss_before=before)

    def _step(self) -> None:
        started, number = time.monotonic(), self.progress.step
        epoch, place = divmod(number, self.per_epoch)
        chosen = self._chosen(epoch)[place]
        outcome = self.stepper.step(chosen, number)
        norm = optimizer.clip(self.stepper.parameters, self.recipe.gradient_clip)
        self._check_finite(outcome, norm, chosen, number)
        rate = self._rate(number)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self._count(outcome, chosen, time.monotonic() - started)
        self._say_step(norm, rate, outcome, time.monotonic() - started)

    def _rate(self, number: int) -> float:
        recipe = self.recipe
        return course.learning_rate(
            recipe.learning_rate, recipe.warmup_steps, recipe.schedule, recipe.schedule_floor, number, self.steps
        )

    def _chosen(self, epoch: int) -> list[list[int]]:
        if self.order[0] != epoch:
            share, seed = self.recipe.replay_share, self.recipe.seed
            steps = epoch_steps(len(self.data.train), len(self.data.replay), share, self.per_step, seed, epoch)
            self.order = (epoch, steps)
        return self.order[1]

    def _check_finite(self, outcome: Outcome, norm: float, chosen: list[int], number: int) -> None:
        if math.isfinite(outcome.loss) and math.isfinite(norm):
            return
        alone = [item for item in chosen if not math.isfinite(self.stepper.validation([item]))]
        names = ", ".join(self.data.examples[item].name for item in alone or chosen)
        raise NonFinite(
            f"Loss or gradient is not a number at step {number + 1}, in {names}.",
            "Lower `learning_rate`; if it happens at the first step, look at that example.",
        )

    def _count(self, outcome: Outcome, chosen: list[int], seconds: float) -> None:
        done = self.progress
        self.progress = msgspec.structs.replace(
            done,
            step=done.step + 1,
            losses=(*done.losses, outcome.loss),
            tokens_seen=done.tokens_seen + outcome.tokens,
            examples_seen=done.examples_seen + len(chosen),
            seconds=done.seconds + seconds,
            peak_memory_bytes=max(done.peak_memory_bytes, self.devices.peak_memory()),
        )

    def _say_step(self, norm: float, rate: float, outcome: Outcome, seconds: float) -> None:
        done = self.progress
        self._event(
            "progress",
            loss=outcome.loss,
            learning_rate=rate,
            gradient_norm=norm,
            tokens_per_second=outcome.tokens / seconds,
            peak_memory_bytes=done.peak_memory_bytes,
            seconds_left=done.seconds / done.step * (self.steps - done.step),
        )

    def _validate(self) -> None:
        if not self.data.valid:
            self.best = base.weights(self.stepper.model)
            self.progress = msgspec.structs.replace(self.progress, best_step=self.progress.step)
            return
        loss = self.stepper.validation(self.data.valid)
        self.progress, better = course.validated(self.progress, loss, self.recipe.early_stopping_patience)
        if better:
            self.best = base.weights(self.stepper.model)
        self._event("validation", loss=loss)
        if noticed := course.warning(self.progress, self.steps):
            self.warn(noticed)

    def _event(self, kind: EventKind, **values: object) -> None:
        done = self.progress
        self.say(kind, step=done.step, steps=self.steps, epoch=done.step / self.per_epoch, **values)

    def warn(self, message: str) -> None:
        """Say `message` once, and keep it for the result."""
        if message not in self.progress.warnings:
            self.progress = msgspec.structs.replace(self.progress, warnings=(*self.progress.warnings, message))
            self.say("warning", message=message, step=self.progress.step)

    def _told_to_stop(self) -> bool:
        return self.devices.sum([1.0 if self.stop() else 0.0])[0] > 0

    def _save(self) -> None:
        """Write a checkpoint unless this step has one."""
        done = self.progress
        if self.saved == done.step:
            return
        folder = None
        if self.devices.rank == 0:
            self.check()
            folder = self._write()
            self._event("checkpoint", checkpoint=folder.name)
        self.saved = done.step
        self.devices.sum([0.0])
        self.on_checkpoint(folder, done.step)

    def _write(self) -> Path:
        done = self.progress
        tensors, rest = optimizer.taken(self.optimizer)
        epoch, place = divmod(done.step, self.per_epoch)
        manifest = Manifest(
            identity=done.identity,
            attempt=self.spec.attempt,
            step=done.step,
            position=Position(epoch=epoch, place=place),
            random=self.recipe.seed,
            learning_rate=self._rate(done.step),
            files={},
        )
        state = State(base.weights(self.stepper.model), self.best, tensors, rest, done)
        config = base.config(self.stepper.model)
        return checkpoint.write(self.folder, state, manifest, config, self.recipe.keep_checkpoints)
