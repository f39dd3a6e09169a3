"""What a training reads: examples of the stage, of the stage before, and what is held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.errors import InputRefused
from pipeline.models.chat import Tokenizer
from pipeline.training.examples import Encoded, Reading, read

_NONE = Reading((), 0, ())


class Data(msgspec.Struct, frozen=True):
    """All examples in one list, and which numbers in it are for what."""

    examples: tuple[Encoded, ...]
    train: range
    replay: range
    valid: range
    replay_valid: range
    shortened: int
    too_long: tuple[str, ...]


def load(
    tokenizer: Tokenizer,
    max_tokens: int,
    *,
    train: str,
    replay: str | None = None,
    valid: str | None = None,
    replay_valid: str | None = None,
) -> Data:
    """Read the files; raises `InputRefused` when nothing is left to learn from."""
    paths = (train, replay, valid, replay_valid)
    readings = [read(Path(path), tokenizer, max_tokens) if path else _NONE for path in paths]
    if not readings[0].examples:
        if long := len(readings[0].too_long):
            raise InputRefused(f"None of the {long} examples of {train} fits.", f"Raise `max_tokens` ({max_tokens}).")
        raise InputRefused(f"{train} holds no example.", "Add examples.")
    ranges, start = [], 0
    for reading in readings:
        ranges.append(range(start, start + len(reading.examples)))
        start += len(reading.examples)
    everything = [example for reading in readings for example in reading.examples]
    return Data(
        tuple(everything),
        train=ranges[0],
        replay=ranges[1],
        valid=ranges[2],
        replay_valid=ranges[3],
        shortened=sum(reading.shortened for reading in readings[:2]),
        too_long=tuple(name for reading in readings for name in reading.too_long),
    )


def longest(examples: Sequence[Encoded]) -> int:
    """Return the length of the longest example, in tokens."""
    return max((len(example.tokens) for example in examples), default=0)
