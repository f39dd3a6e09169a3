"""The order of the data: a pure function of seed and epoch, so that a resumed run sees the same."""

from __future__ import annotations

import numpy as np


def epoch_steps(examples: int, replayed: int, share: float, per_step: int, seed: int, epoch: int) -> list[list[int]]:
    """Return an epoch's steps as lists of example numbers, each example once, steps as even as can be.

    Numbers from `examples` on are stage 1's; `share` × `examples` of its `replayed` ones join every
    epoch, other ones each time until all have been seen.
    """
    numbers = [*range(examples), *_replay(examples, replayed, share, seed, epoch)]
    shuffled = np.random.default_rng([seed, epoch]).permutation(np.array(numbers))
    count = step_count(len(numbers), per_step)
    return [[int(number) for number in part] for part in np.array_split(shuffled, count)]


def step_count(examples: int, per_step: int) -> int:
    """Return the steps in an epoch of that many examples."""
    return max(1, -(-examples // per_step))


def replay_count(examples: int, replayed: int, share: float) -> int:
    """Return how many of stage 1's examples join an epoch: at least one if any are wanted."""
    return min(replayed, max(1, round(examples * share))) if share and replayed else 0


def _replay(examples: int, replayed: int, share: float, seed: int, epoch: int) -> list[int]:
    count = replay_count(examples, replayed, share)
    if not count:
        return []
    order = np.random.default_rng([seed, replayed]).permutation(replayed)
    return [examples + int(order[(epoch * count + place) % replayed]) for place in range(count)]
