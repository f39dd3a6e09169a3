"""Progress lines say which loss it is, how fast, how much memory, and how long still."""

from __future__ import annotations

import pytest

from pipeline.training.backend import TrainingEvent
from pipeline.training.progress import describe, duration


def test_a_step_says_training_loss_speed_memory_and_time_left() -> None:
    event = TrainingEvent(
        kind="step", loss=1.2344, tokens_per_second=1234.5, peak_memory_bytes=3_210_000_000, seconds_left=200.2
    )
    assert describe(event) == "training loss 1.234, 1,234 tokens/s, 3.2 GB, 3 min 20 s left"


def test_a_validation_says_validation_loss() -> None:
    assert describe(TrainingEvent(kind="valid", loss=0.5)) == "validation loss 0.500"


def test_what_has_no_figures_says_its_message() -> None:
    assert describe(TrainingEvent(kind="started", message="12 examples, 9 steps")) == "12 examples, 9 steps"
    assert describe(TrainingEvent(kind="checkpoint")) == "checkpoint"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
