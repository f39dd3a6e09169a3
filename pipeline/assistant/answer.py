"""Asking a specialist one question, in a child process: this one never imports mlx."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.errors import Error
from pipeline.models import blas
from pipeline.records import Example, Message
from pipeline.stage import read_records

ANSWER_TOKENS = 160
SECONDS = 600
COMMAND = (sys.executable, "-m", "pipeline.assistant.worker")


class Question(msgspec.Struct, frozen=True):
    """What a specialist is asked, and the answer its example holds."""

    messages: tuple[Message, ...]
    expected: str

    @classmethod
    def held_out(cls, output: Path, kind: str) -> Question | None:
        """Return the shortest held-out example about code of a kind, None when none was held out."""
        path = output / "dataset" / kind / "test.jsonl"
        if not path.exists() or not (output / "models" / kind).exists():
            return None
        examples = sorted(read_records(path, Example), key=_by_interest)
        return cls(examples[0].messages[:-1], examples[0].messages[-1].content) if examples else None


def _by_interest(example: Example) -> tuple[bool, int]:
    return example.metadata["domain"] == "sca", len(example.messages[1].content)


class Asked(msgspec.Struct, frozen=True):
    """What the child process is told: which model, which adapter, which conversation.

    Without seeds one answer is written, greedily; with them one is drawn for each.
    """

    base: str
    adapter: str | None
    messages: tuple[Message, ...]
    tokens: int
    seeds: tuple[int, ...] = ()
    temperature: float = 0.0


class Said(msgspec.Struct, frozen=True):
    """An answer; `finished` is False when it was cut at its limit, or went round in circles."""

    text: str
    finished: bool


def answer(base: Path, adapter: Path | None, messages: Sequence[Message], tokens: int = ANSWER_TOKENS) -> str:
    """Return what the specialist says, greedily, in at most `tokens` tokens."""
    asked = Asked(str(base), str(adapter.resolve()) if adapter else None, tuple(messages), tokens)
    return ask(asked)[0].text


def ask(asked: Asked) -> tuple[Said, ...]:
    """Return the specialist's answers, in the order of the seeds; raise Error when it can't answer."""
    done = subprocess.run(
        COMMAND,
        input=msgspec.json.encode(asked),
        capture_output=True,
        env=blas.environment(),
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise could_not(done.stderr)
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=tuple[Said, ...])


def could_not(stderr: bytes) -> Error:
    """Return the error that says why the child ended, as its last line has it."""
    last = stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
    return Error(f"The specialist could not answer: {last[0]}", "Check the model with `fixsmith doctor`.")
