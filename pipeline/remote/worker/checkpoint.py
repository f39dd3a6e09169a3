"""Checkpoints: everything a training is, in a folder that is whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import load, save

from pipeline.disk import digest_file
from pipeline.remote.contract import MANIFEST, Manifest
from pipeline.training import files
from pipeline.training.course import Progress

PREFIX = "step-"
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
BEST = "best.safetensors"
OPTIMIZER = "optimizer.safetensors"
OPTIMIZER_REST = "optimizer.json"
PROGRESS = "progress.json"
FILES = {WEIGHTS, CONFIG, BEST, OPTIMIZER, OPTIMIZER_REST, PROGRESS}

Tensors = dict[str, torch.Tensor]


class State(msgspec.Struct, frozen=True):
    """What a checkpoint holds: adapter, the best one so far, the optimizer's state, progress."""

    weights: Tensors
    best: Tensors
    optimizer: Tensors
    optimizer_rest: dict[str, Any]
    progress: Progress


def write(folder: Path, state: State, manifest: Manifest, config: bytes, keep: int) -> Path:
    """Write a checkpoint, its manifest last, rename it into place, and keep the newest `keep`."""
    target = folder / f"{PREFIX}{manifest.step:08d}"
    temporary = folder / f".{target.name}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    contents = {
        WEIGHTS: save(state.weights, {"format": "pt"}),
        CONFIG: config,
        BEST: save(state.best, {"format": "pt"}),
        OPTIMIZER: save(state.optimizer),
        OPTIMIZER_REST: json.dumps(state.optimizer_rest, sort_keys=True).encode(),
        PROGRESS: msgspec.json.encode(state.progress),
    }
    for name, content in contents.items():
        files.write(temporary / name, content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    files.write(temporary / MANIFEST, msgspec.json.encode(msgspec.structs.replace(manifest, files=digests)))
    files.rename_folder(temporary, target)
    for old in folders(folder)[keep:]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def newest(folder: Path, identity: str) -> State | None:
    """Return the newest whole checkpoint of this very training, or None."""
    for candidate in folders(folder):
        manifest = verified(candidate)
        if manifest is not None and manifest.identity == identity:
            return _read(candidate)
    return None


def clear(folder: Path, identity: str) -> tuple[str, ...]:
    """Remove checkpoints that are damaged or another training's; return their names."""
    wrong = [
        path for path in folders(folder) if (found := verified(path)) is None or found.identity != identity
    ]  # fmt: skip
    for path in [*wrong, *folder.glob(f".{PREFIX}*")]:
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
    return tuple(path.name for path in wrong)


def folders(folder: Path) -> list[Path]:
    """Return the checkpoints' folders, newest first."""
    return sorted(folder.glob(f"{PREFIX}*"), reverse=True) if folder.is_dir() else []


def verified(folder: Path) -> Manifest | None:
    """Return a checkpoint's manifest, or None when it has none or one of its files is damaged."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        whole = set(manifest.files) >= FILES and all(
            digest_file(folder / name) == expected for name, expected in manifest.files.items()
        )
    except (OSError, msgspec.MsgspecError):
        return None
    return manifest if whole else None


def _read(folder: Path) -> State:
    return State(
        weights=load((folder / WEIGHTS).read_bytes()),
        best=load((folder / BEST).read_bytes()),
        optimizer=load((folder / OPTIMIZER).read_bytes()),
        optimizer_rest=json.loads((folder / OPTIMIZER_REST).read_bytes()),
        progress=msgspec.json.decode((folder / PROGRESS).read_bytes(), type=Progress),
    )
