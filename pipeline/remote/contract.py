"""What the worker is told and what it leaves behind: spec, events, checkpoints, result, exit codes.

`docs/remote-worker.md` says the same in prose. Imports nothing but msgspec, the recipe and the figures, so that
launchers, the daemon and `status` can read it everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pipeline.remote.recipe import Recipe
from pipeline.training.figures import TrainingFigures

VERSION = 1

DONE = 0
FAILED = 1
STOPPED = 75

EVENTS = "events.jsonl"  # in the work folder
CHECKPOINTS = "checkpoints"  # in the work folder, of folders `step-00000050`
CLAIMS = "claims"  # in the work folder: a file an attempt
MANIFEST = "manifest.json"  # in a checkpoint, written last
RESULT = "result.json"  # in the output folder, written last
ADAPTER = "adapter"  # in the output folder, as PEFT reads it
MODELS = ("merged", "gptq", "awq")  # folders of `finish`, in the output folder
CURVE = "metrics.jsonl"  # in the output folder: losses by step

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Quantizer = Literal["gptq", "awq"]


class DataFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSONL file of conversations and its SHA-256; a file with another digest is refused."""

    path: str
    sha256: Digest


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is learned and what is measured on. `replay` and `replay_valid` are stage 1's."""

    train: DataFile
    valid: DataFile | None = None
    replay: DataFile | None = None
    replay_valid: DataFile | None = None


class Base(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base model: a folder on the worker, or a Hub id with the commit it is taken at."""

    model: Annotated[str, Meta(min_length=1)]
    revision: Annotated[str, Meta(pattern=r"^$|^[0-9a-f]{40}$")] = ""


class Finish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done with the adapter on the worker, after training.

    `quantize` implies `merge`. `probes` validation examples give the logits that are compared.
    """

    merge: bool = False
    quantize: tuple[Quantizer, ...] = ()
    calibration_examples: Annotated[int, Meta(ge=1, le=4096)] = 256
    probes: Annotated[int, Meta(ge=1, le=256)] = 8


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training, told whole. Relative paths are taken from the folder the spec lies in.

    `work` is kept between attempts and holds events, checkpoints and claims; `output` appears whole,
    at the end. `attempt` counts up: one that is told a lower number than another has claimed stops.
    `resume_adapter` is a PEFT adapter that training goes on from (stage 2). With `rehearsal` that many
    steps are timed and nothing is made.
    """

    version: Literal[1] = 1
    run: Identifier
    attempt: Annotated[int, Meta(ge=1)] = 1
    base: Base
    data: Data
    recipe: Recipe
    work: Annotated[str, Meta(min_length=1)]
    output: Annotated[str, Meta(min_length=1)]
    resume_adapter: str | None = None
    finish: Finish = Finish()
    rehearsal: Annotated[int, Meta(ge=0, le=1000)] = 0


EventKind = Literal[
    "started", "progress", "validation", "checkpoint", "warning", "excluded", "finishing", "stopped", "done", "failed"
]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of `events.jsonl`. `time` is Unix seconds, losses nats a token, memory bytes.

    `tokens_per_second` counts real tokens over all devices, never padding. `checkpoint` names the
    folder in `checkpoints/`. The last line of an attempt that ended by itself is `stopped`, `done`
    or `failed`.
    """

    kind: EventKind
    time: float
    attempt: int
    step: int | None = None
    steps: int | None = None
    epoch: float | None = None
    loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    tokens_per_second: float | None = None
    peak_memory_bytes: int | None = None
    seconds_left: float | None = None
    checkpoint: str | None = None
    message: str = ""
    hint: str = ""
    error: str = ""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the data a checkpoint stands: `epoch` and `place` (steps done in it), both from 0."""

    epoch: int
    place: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json` of a checkpoint: written last, so a folder without it is none.

    `identity` is the digest of all that decides the losses (base, data, recipe, resume adapter):
    a checkpoint of another training is not gone on from. `random` is the seed all random numbers
    follow from, with step and row. `files` holds SHA-256 by name.
    """

    version: Literal[1] = 1
    identity: str
    attempt: int
    step: int
    position: Position
    random: int
    learning_rate: float
    files: dict[str, Digest]


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """A model made from the adapter: its folder in the output, size, and how far its logits moved.

    Distances are taken over the answers of the probes, from the model as it was trained: the largest
    of any logit, relative to the largest logit, and the share of positions with another first choice.
    """

    kind: Literal["merged", "gptq", "awq"]
    folder: str
    bytes: int
    logits_distance: float
    top_changed: float
    loss: float | None = None
    loaded: bool = False


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole training would take, from a few steps and one validation of it that were timed."""

    steps: int
    seconds: float
    tokens_per_second: float
    peak_memory_bytes: int


class Result(TrainingFigures, frozen=True, kw_only=True):
    """`result.json`: what came out. `files` holds SHA-256 by path, `versions` those of the libraries used."""

    version: Literal[1] = 1
    run: str
    attempt: int
    identity: str
    devices: int = 1
    device: str = "cpu"
    delivered: tuple[Delivered, ...] = ()
    rehearsed: Rehearsal | None = None
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    files: dict[str, Digest] = msgspec.field(default_factory=dict)


def read_spec(path: Path) -> Spec:
    """Return the spec in `path`; raises `msgspec.ValidationError`, which names an unknown key or wrong value."""
    return msgspec.json.decode(path.read_bytes(), type=Spec)


def write_spec(spec: Spec) -> bytes:
    """Return the spec as JSON, the same bytes for the same spec."""
    return json.dumps(msgspec.to_builtins(spec), indent=1, sort_keys=True).encode() + b"\n"


def read_events(content: bytes) -> Iterator[Event]:
    """Yield the events in `content`; a line cut by a kill is passed over."""
    for line in content.splitlines():
        try:
            yield msgspec.json.decode(line, type=Event)
        except msgspec.MsgspecError:
            continue


def read_result(output: Path) -> Result:
    """Return the result in an output folder; raises `OSError` or `msgspec.MsgspecError`."""
    return msgspec.json.decode((output / RESULT).read_bytes(), type=Result)


def schema() -> dict[str, Any]:
    """Return the JSON schema of the spec."""
    return msgspec.json.schema(Spec)
