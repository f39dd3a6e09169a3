"""Every example exactly once an epoch; replay takes turns."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.order import epoch_steps, replay_count


@given(st.integers(1, 200), st.integers(1, 32), st.integers(0, 2**31 - 1), st.integers(0, 50))
def test_every_example_is_seen_exactly_once_an_epoch(count: int, per_step: int, seed: int, epoch: int) -> None:
    steps = epoch_steps(count, 0, 0.0, per_step, seed, epoch)
    assert sorted(number for step in steps for number in step) == list(range(count))
    sizes = {len(step) for step in steps}
    assert max(sizes) <= per_step and max(sizes) - min(sizes) <= 1


def test_epochs_differ_and_repeat_themselves() -> None:
    assert epoch_steps(20, 0, 0.0, 4, 1, 0) == epoch_steps(20, 0, 0.0, 4, 1, 0)
    assert epoch_steps(20, 0, 0.0, 4, 1, 0) != epoch_steps(20, 0, 0.0, 4, 1, 1)
    assert epoch_steps(20, 0, 0.0, 4, 1, 0) != epoch_steps(20, 0, 0.0, 4, 2, 0)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.01, 1.0))
def test_replayed_examples_take_turns_until_all_were_seen(count: int, replayed: int, share: float) -> None:
    each = replay_count(count, replayed, share)
    seen = Counter[int]()
    for epoch in range(replayed):
        numbers = [number for step in epoch_steps(count, replayed, share, 4, 7, epoch) for number in step]
        assert sorted(numbers)[:count] == list(range(count))
        seen.update(number for number in numbers if number >= count)
    assert set(seen) == set(range(count, count + replayed)) and set(seen.values()) == {each}
