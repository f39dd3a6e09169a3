"""The course of a training: where it stands, what validation means for it, and what it warns of.

Shared by the trainers; knows nothing of the arrays either of them computes with.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

RECENT = 10  # steps that count as "now" in a loss
FLOOR = 0.1  # the cosine ends at a tenth of the peak
_WARMUP = 10  # warm-up takes at most one step in this many


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a training stands after `step` steps. Losses are nats a token; -1 as `best_step`: none yet.

    `joules` is None where `energy_from`, the meter, was missing for a part of it.
    """

    identity: str
    step: int = 0
    losses: tuple[float, ...] = ()
    valid: tuple[tuple[int, float], ...] = ()
    best_step: int = -1
    best_loss: float | None = None
    without_improvement: int = 0
    stopped_early: bool = False
    tokens_seen: int = 0
    examples_seen: int = 0
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    joules: float | None = None
    energy_from: str = ""
    replay_loss_before: float | None = None
    warnings: tuple[str, ...] = ()
    sha256: str = ""


def learning_rate(
    peak: float, warmup_steps: int, schedule: Literal["cosine", "constant"], floor: float, step: int, steps: int
) -> float:
    """Return the rate of step `step` (from 0) of `steps`: linear warm-up, then cosine to `floor` × `peak`, or level."""
    warmup = min(warmup_steps, steps // _WARMUP)
    if step < warmup:
        return peak * (step + 1) / warmup
    if schedule == "constant":
        return peak
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))


def validated(done: Progress, loss: float, patience: int) -> tuple[Progress, bool]:
    """Return the progress after a validation, and whether this is the best so far; 0 as `patience` never stops."""
    better = done.best_loss is None or loss < done.best_loss
    waited = 0 if better or done.step == 0 else done.without_improvement + 1
    changed = msgspec.structs.replace(
        done,
        valid=(*done.valid, (done.step, loss)),
        without_improvement=waited,
        best_loss=loss if better else done.best_loss,
        best_step=done.step if better else done.best_step,
        stopped_early=bool(patience) and waited >= patience,
    )
    return changed, better


def warning(done: Progress, steps: int) -> str:
    """Return what is wrong with how the loss goes, or nothing."""
    losses, valid = done.losses, [loss for _, loss in done.valid]
    if not valid and len(losses) < 2 * RECENT:
        return ""
    windows = [sum(part) / max(1, len(part)) for part in (losses[:RECENT], losses[-RECENT:])]
    first, now = (valid[0], valid[-1]) if valid else windows
    if now > 1.5 * first:
        return f"The loss rises ({first:.2f} to {now:.2f}): training diverges. Try a lower learning rate."
    if done.step == steps and now > 0.98 * first:
        return f"The loss hardly falls ({first:.2f} to {now:.2f}). Try a higher learning rate or more epochs."
    return ""


def figures(done: Progress, per_epoch: int) -> dict[str, Any]:
    """Return what a result says of the course: steps, losses, counts, time."""
    last = done.losses[-RECENT:]
    return {
        "steps": done.step,
        "epochs": done.step / per_epoch,
        "train_loss_first": done.losses[0],
        "train_loss_last": sum(last) / len(last),
        "valid_loss_first": done.valid[0][1] if done.valid else None,
        "valid_loss_best": done.best_loss,
        "best_step": done.best_step,
        "examples_seen": done.examples_seen,
        "stopped_early": done.stopped_early,
        "tokens_seen": done.tokens_seen,
        "seconds": done.seconds,
        "peak_memory_bytes": done.peak_memory_bytes,
        "joules": done.joules,
        "energy_from": done.energy_from,
        "replay_loss_before": done.replay_loss_before,
        "warnings": done.warnings,
    }


def metrics(done: Progress) -> bytes:
    """Return the loss curve as JSON lines: {"step", "loss"} of training, {"step", "valid"} of validation."""
    lines = [{"step": step, "loss": loss} for step, loss in enumerate(done.losses, 1)]
    lines += [{"step": step, "valid": loss} for step, loss in done.valid]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
