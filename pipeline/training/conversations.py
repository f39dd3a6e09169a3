"""A JSONL file of conversations as people have them: read line by line, and refused by line and reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from config.errors import InputRefused

_HINT = 'Each line is {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}.'


class Turn(msgspec.Struct, frozen=True):
    """What one side says."""

    role: Literal["system", "user", "assistant"]
    content: str


class Conversation(msgspec.Struct, frozen=True):
    """A line of the file; other keys are left alone."""

    messages: tuple[Turn, ...]
    metadata: Any = None


def conversations(path: Path) -> Iterator[tuple[int, Conversation]]:
    """Yield line number and conversation; empty lines are passed over.

    Raises `InputRefused` with the line that isn't one, and why.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield number, _read(line, f"{path.name}, line {number}")


def _read(line: bytes, place: str) -> Conversation:
    try:
        made = msgspec.convert(json.loads(line.rstrip().decode("utf-8-sig")), Conversation)
        "".join(turn.content for turn in made.messages).encode()
    except UnicodeError as error:
        raise InputRefused(f"{place} is not UTF-8 text.", "Save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise InputRefused(f"{place} is not JSON: {error.msg}, column {error.colno}.", _HINT) from error
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputRefused(f"{place} is not a conversation: {error}.", _HINT) from error
    return made
