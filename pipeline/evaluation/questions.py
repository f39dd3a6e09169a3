"""What is asked: the held-out examples, and a fixed choice of them where answering all takes too long."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.errors import InputRefused
from config.settings import Evaluation
from pipeline.evaluation.measurement import Kind, Question, question_id
from pipeline.records import Example
from pipeline.stage import read_records

KINDS: tuple[Kind, ...] = ("analysis", "codefix")


class HeldOut(msgspec.Struct, frozen=True):
    """Train and test examples by kind, as the data set's split made them."""

    train: dict[str, list[Example]]
    test: dict[str, list[Example]]

    def ids(self, kind: str) -> set[str]:
        """Return the names of a kind's test examples."""
        return {question_id(example) for example in self.test[kind]}


def read_held_out(dataset: Path) -> HeldOut:
    """Return the data set's train and test parts; raise InputRefused when nothing is held out."""
    parts: dict[str, dict[str, list[Example]]] = {
        part: {kind: _read(dataset / kind / f"{part}.jsonl") for kind in KINDS} for part in ("train", "test")
    }
    if not any(parts["test"].values()):
        raise InputRefused("No example is held out, so nothing can be measured.", "Bring in more findings.")
    return HeldOut(train=parts["train"], test=parts["test"])


def questions(held_out: HeldOut, settings: Evaluation) -> list[Question]:
    """Return what is answered: at most `max_answers` analysis questions, drawn by digest."""
    chosen = draw(held_out.test["analysis"], settings.max_answers)
    return [
        Question(id=question_id(example), example=example, kind="analysis", tokens=settings.answer_tokens)
        for example in chosen
    ]


def draw(examples: Sequence[Example], most: int) -> list[Example]:
    """Return at most `most` examples, the same ones whatever their order: those of smallest digest."""
    order = sorted(examples, key=lambda example: hashlib.sha256(question_id(example).encode()).hexdigest())
    return order[:most]


def _read(path: Path) -> list[Example]:
    found = {question_id(example): example for example in read_records(path, Example)} if path.exists() else {}
    return list(found.values())
