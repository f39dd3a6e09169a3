"""The training curves, read from what the training stages wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

MOST_POINTS = 400
KEYS = {"train": "loss", "valid": "valid"}


def curves(folders: Mapping[str, Path]) -> dict[str, Any]:
    """Return step and loss of training and validation, by model, from each stage's metrics.jsonl."""
    made = {}
    for name, folder in folders.items():
        path = next(
            (one for one in (folder / "metrics.jsonl", folder / "model" / "metrics.jsonl") if one.is_file()), None
        )
        points = _points(path) if path else {}
        if any(points.values()):
            made[name] = points
    return made


def _points(path: Path) -> dict[str, list[tuple[int, float]]]:
    rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    return {
        name: _thinned([(row["step"], row[key]) for row in rows if row.get(key) is not None])
        for name, key in KEYS.items()
    }


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    step = max(1, len(points) // MOST_POINTS)
    return points[::step] if step == 1 else [*points[::step], points[-1]]
