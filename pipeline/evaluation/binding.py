"""What the figures belong to: the files really loaded, checked against what the stages handed over.

Each thing that would make the figures mean nothing stops the evaluation with its own sentence.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.errors import Error, InputRefused
from pipeline.champions import Champion
from pipeline.code import code_digest
from pipeline.evaluation.measurement import Loaded, question_id
from pipeline.evaluation.measuring import Measured
from pipeline.evaluation.questions import HeldOut
from pipeline.evaluation.scores import cluster
from pipeline.models.base import BaseModel
from pipeline.records import Example
from pipeline.stage import MANIFEST, Manifest, digest_file

ADAPTER, CONFIGURATION = "adapters.safetensors", "adapter_config.json"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json")


class Tampered(Error):
    """Something was exchanged between training and evaluation."""


class Leaked(InputRefused):
    """The evaluation set holds what was trained on."""


class Indistinct(Error):
    """Two models that should differ don't, in any digit."""


def check_adapter(loaded: Loaded, manifest: Manifest | None) -> None:
    """Raise Tampered when a loaded adapter file isn't the one its training stage handed over."""
    if manifest is None:
        return
    for name in (ADAPTER, CONFIGURATION):
        meant = manifest.outputs.get(f"model/{name}")
        if meant is not None and loaded.adapter.get(name) != meant.sha256:
            raise Tampered(
                f"The adapter of {loaded.model} was swapped: {name} isn't the file {manifest.stage} made.",
                f"Repeat {manifest.stage}, then the evaluation.",
            )


def check_champion(loaded: Loaded, champion: Champion | None) -> None:
    """Raise Tampered when a champion's adapter isn't the one that passed the gate."""
    if champion is not None and loaded.adapter.get(ADAPTER) != champion.adapter:
        raise Tampered(
            f"The adapter of {loaded.model} was swapped: it isn't the one that run {champion.run} published.",
            "Take it from a backup, or move the workspace's folder `champions` away to start anew.",
        )


def check_base(base: BaseModel, loaded: Loaded, manifest: Manifest | None) -> None:
    """Raise Tampered when the base model isn't the one the adapter was trained on, or changed meanwhile."""
    trained_on = manifest.counts.get("base_digest") if manifest else None
    if trained_on is not None and trained_on != base.digest:
        raise Tampered(
            f"{loaded.model} was trained on another base model than {base.name} as it is here.",
            "Train again, or evaluate with the base model of the training.",
        )
    for name, digest in loaded.base.items():
        if (base.path / name).is_file() and name == "config.json" and digest_file(base.path / name) != digest:
            raise Tampered(f"{name} of the base model changed while it was measured.", "Repeat the evaluation.")


def check_dataset(folder: Path, manifest: Manifest | None) -> None:
    """Raise Tampered when a file of the data set isn't the one that was handed over."""
    for name, meant in (manifest.outputs if manifest else {}).items():
        path = folder / name
        if name.endswith(".jsonl") and (not path.is_file() or digest_file(path) != meant.sha256):
            raise Tampered(f"{name} changed since the data set was made.", "Repeat from the stage assemble.")


def check_leak(held_out: HeldOut) -> None:
    """Raise Leaked when a test example shares its cluster, or its very words, with training.

    Validation is a part of training: it chose the adapter that is kept.
    """
    train = [example for of in (*held_out.train.values(), *held_out.valid.values()) for example in of]
    clusters, words = {cluster(example) for example in train}, {_question(example) for example in train}
    test = [example for of in held_out.test.values() for example in of]
    near = [example for example in test if cluster(example) in clusters]
    same = [example for example in test if _question(example) in words]
    if near or same:
        first = (near or same)[0]
        raise Leaked(
            f"The evaluation set leaked into training: {len(near)} of {len(test)} held-out examples share a cluster "
            f"with training, {len(same)} ask the very same; the first is {question_id(first)}.",
            "Repeat from the stage assemble; don't mix data sets.",
        )


def check_distinct(measured: Sequence[Measured]) -> None:
    """Raise Indistinct when two models have the same adapter, or losses equal to the last digit."""
    for one, other in itertools.combinations(measured, 2):
        if one.loaded.adapter and one.loaded.adapter.get(ADAPTER) == other.loaded.adapter.get(ADAPTER):
            raise Indistinct(
                f"{one.name} and {other.name} are the same adapter under two names.",
                "Look which folder each was loaded from.",
            )
        if _fingerprint(one) and _fingerprint(one) == _fingerprint(other):
            raise Indistinct(
                f"{one.name} and {other.name} are equal to the last digit in every metric, so one adapter wasn't used.",
                "Look whether the training changed anything, and which adapter was loaded.",
            )


def binding(
    base: BaseModel, measured: Sequence[Measured], manifests: Mapping[str, Manifest | None], dataset: Path
) -> dict[str, Any]:
    """Return the digests the report stands on."""
    files = sorted(path for path in dataset.rglob("*.jsonl"))
    return {
        "base": {"name": base.name, "digest": base.digest, "files": measured[0].loaded.base if measured else {}},
        "tokenizer": {
            name: digest for name, digest in (measured[0].loaded.base if measured else {}).items() if name in TOKENIZER
        },
        "adapters": {one.name: one.loaded.adapter for one in measured if one.loaded.adapter},
        "other_models": {one.name: one.loaded.base for one in measured if one.loaded.base != measured[0].loaded.base},
        "data": {path.relative_to(dataset).as_posix(): digest_file(path) for path in files},
        "recipes": {name: manifest.settings for name, manifest in manifests.items() if manifest},
        "code": code_digest(),
    }


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a finished stage's folder; None when it was made without one."""
    path = folder / MANIFEST
    return msgspec.json.decode(path.read_bytes(), type=Manifest) if path.is_file() else None


def _question(example: Example) -> tuple[str, ...]:
    return tuple(message.content for message in example.messages[:-1])


def _fingerprint(measured: Measured) -> tuple[Any, ...]:
    losses = [(kind, id, loss.total) for kind, of in measured.losses.items() for id, loss in of.items()]
    answers = [(id, answer.text, answer.logprob) for id, answer in measured.answers.items()]
    return (*sorted(losses), *sorted(answers))
