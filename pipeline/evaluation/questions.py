"""What is asked: the held-out examples, and a fixed choice of them where answering all takes too long."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.errors import InputRefused
from config.settings import Evaluation
from pipeline.evaluation.measurement import Kind, Question, question_id
from pipeline.evaluation.scores import cluster
from pipeline.records import Example
from pipeline.stage import read_records

KINDS: tuple[Kind, ...] = ("analysis", "codefix")


class HeldOut(msgspec.Struct, frozen=True):
    """Train, test and validation examples by kind, as the data set's split made them."""

    train: dict[str, list[Example]]
    test: dict[str, list[Example]]
    valid: dict[str, list[Example]] = msgspec.field(default_factory=dict)

    def both(self, kind: str) -> tuple[list[Example], list[Example]]:
        """Return a kind's train and test examples."""
        return self.train.get(kind, []), self.test.get(kind, [])

    def ids(self, kind: str) -> set[str]:
        """Return the names of a kind's test examples."""
        return {question_id(example) for example in self.test[kind]}


def read_held_out(dataset: Path) -> HeldOut:
    """Return the data set's train and test parts; raise InputRefused when nothing is held out."""
    parts: dict[str, dict[str, list[Example]]] = {
        part: {kind: _read(dataset / kind / f"{part}.jsonl") for kind in KINDS} for part in ("train", "test", "valid")
    }
    if not any(parts["test"].values()):
        raise InputRefused("No example is held out, so nothing can be measured.", "Bring in more findings.")
    return HeldOut(train=parts["train"], test=parts["test"], valid=parts["valid"])


def questions(held_out: HeldOut, settings: Evaluation) -> list[Question]:
    """Return what is answered: at most `max_answers` findings, some explained in full, and `max_fixes` fixes."""
    findings = draw(held_out.test["analysis"], settings.max_answers)
    fixes = draw(held_out.test["codefix"], settings.max_fixes)
    return [_finding(example, number, settings) for number, example in enumerate(findings)] + [
        Question(
            id=question_id(example),
            example=example,
            kind="codefix",
            tokens=settings.fix_tokens,
            whole=True,
            sampled=bool(settings.samples),
        )
        for example in fixes
    ]


def _finding(example: Example, number: int, settings: Evaluation) -> Question:
    whole = number < settings.max_explanations
    return Question(
        id=question_id(example),
        example=example,
        kind="analysis",
        tokens=settings.explanation_tokens if whole else settings.answer_tokens,
        whole=whole,
        sampled=bool(settings.samples) and not whole,
    )


def draw(examples: Sequence[Example], most: int) -> list[Example]:
    """Return at most `most` examples, the same ones whatever their order.

    Every cluster gives one pair before any gives a second: few answers then say as much as they can.
    """
    by_cluster: dict[str, dict[str, list[Example]]] = defaultdict(lambda: defaultdict(list))
    for example in examples:
        pair = str(example.metadata.get("pair") or question_id(example))
        by_cluster[cluster(example)][pair].append(example)
    ranked = [
        (rank, _digest(pair), sorted(together, key=question_id))
        for pairs in by_cluster.values()
        for rank, (pair, together) in enumerate(sorted(pairs.items(), key=lambda item: _digest(item[0])))
    ]
    return [example for _, _, together in sorted(ranked, key=lambda row: row[:2]) for example in together][:most]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> list[Example]:
    """Return the distinct examples of a file, planted canaries left out: they teach the trivial answers nothing."""
    every = read_records(path, Example) if path.exists() else ()
    return list({question_id(one): one for one in every if one.metadata.get("kind") != "canary"}.values())
