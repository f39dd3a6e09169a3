"""Checkpoints: everything a training is, in a folder that is whole or not there.

Data order, dropout and learning rate are pure functions of seed and step, so step number, weights,
optimizer and the best weights so far are all there is to keep.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import cast

import mlx.core as mx
import msgspec

from pipeline.training import files
from pipeline.training.course import Progress
from pipeline.training.mlx.adapters import Weights, serialized

_ARRAYS = "state.safetensors"
_PROGRESS = "progress.json"
_PREFIX = "step-"


class State(msgspec.Struct, frozen=True):
    """A checkpoint's arrays: adapter, optimizer, and the adapter that was best in validation."""

    weights: Weights
    optimizer: Weights
    best: Weights


def save(folder: Path, progress: Progress, state: State, keep: int) -> None:
    """Write a checkpoint: arrays first, its progress file last, then rename; keep the newest `keep`."""
    target = folder / f"{_PREFIX}{progress.step:08d}"
    temporary = folder / f".{target.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    content = serialized(
        {
            f"{part}.{name}": value
            for part, arrays in msgspec.structs.asdict(state).items()
            for name, value in arrays.items()
            if name not in {"step", "learning_rate"}
        }
    )
    files.write(temporary / _ARRAYS, content)
    digest = hashlib.sha256(content).hexdigest()
    files.write(temporary / _PROGRESS, msgspec.json.encode(msgspec.structs.replace(progress, sha256=digest)))
    files.rename_folder(temporary, target)
    for old in _folders(folder)[keep:]:
        shutil.rmtree(old, ignore_errors=True)


def newest(folder: Path, identity: str) -> tuple[Progress, State] | None:
    """Return the newest whole checkpoint of this very training, or None."""
    for candidate in _folders(folder):
        found = _read(candidate)
        if found is not None and found[0].identity == identity:
            return found
    return None


def clear(folder: Path, identity: str) -> tuple[int, int]:
    """Remove checkpoints of another training and damaged ones; return how many there were of each."""
    found = {path: _read(path) for path in _folders(folder)}
    damaged = [path for path, read in found.items() if read is None]
    foreign = [path for path, read in found.items() if read is not None and read[0].identity != identity]
    for path in [*foreign, *damaged, *folder.glob(f".{_PREFIX}*")]:
        shutil.rmtree(path, ignore_errors=True)
    return len(foreign), len(damaged)


def _folders(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{_PREFIX}*"), reverse=True) if folder.is_dir() else []


def _read(folder: Path) -> tuple[Progress, State] | None:
    try:
        progress = msgspec.json.decode((folder / _PROGRESS).read_bytes(), type=Progress)
        content = (folder / _ARRAYS).read_bytes()
    except (OSError, msgspec.MsgspecError):
        return None
    if hashlib.sha256(content).hexdigest() != progress.sha256:
        return None
    parts: dict[str, Weights] = {"weights": {}, "optimizer": {}, "best": {}}
    for name, value in cast(Weights, mx.load(str(folder / _ARRAYS))).items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    parts["optimizer"]["step"] = mx.array(progress.step, dtype=mx.uint64)
    parts["optimizer"]["learning_rate"] = mx.array(0.0)
    return progress, State(**parts)
