"""What a training is known by when it is over, whichever trainer did it."""

from __future__ import annotations

import msgspec


class TrainingFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one training: counts are of training examples, losses nats a token, memory bytes.

    `joules` is what the machine took meanwhile, by the meter `energy_from`; None: not measured.
    `replay_loss_before` and `replay_loss_after` are stage 1's validation loss round this training.
    """

    steps: int
    epochs: float
    train_loss_first: float
    train_loss_last: float
    valid_loss_first: float | None
    valid_loss_best: float | None
    best_step: int
    examples: int
    examples_seen: int
    shortened: int
    too_long: tuple[str, ...]
    stopped_early: bool
    tokens_seen: int
    seconds: float
    peak_memory_bytes: int
    joules: float | None = None
    energy_from: str = ""
    replay_share: float = 0.0
    replay_loss_before: float | None = None
    replay_loss_after: float | None = None
    warnings: tuple[str, ...] = ()
