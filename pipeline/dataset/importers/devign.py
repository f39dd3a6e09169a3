"""Devign as CodeXGLUE publishes it: `function.json`, or the three parts its script makes of it.

Zhou et al. 2019, "Devign: Effective Vulnerability Identification"; Lu et al. 2021, "CodeXGLUE".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from config.errors import InputRefused
from pipeline.dataset.importers.interface import Counts, Labelled, identifier

PARTS = ("train", "valid", "test")
WHOLE = "function.json"


class _Row(msgspec.Struct):
    project: str
    commit_id: str
    target: int
    func: str
    idx: int | None = None


class Devign:
    """Reads `function.json`, by the parts listed beside it, or `{train,valid,test}.jsonl`."""

    name = "devign"
    releases: Mapping[str, Counts] = {
        "CodeXGLUE": {"functions": 27_318},
        "CodeXGLUE, train": {"functions": 21_854, "train": 21_854},
        "CodeXGLUE, valid": {"functions": 2_732, "valid": 2_732},
        "CodeXGLUE, test": {"functions": 2_732, "test": 2_732},
    }

    def read(self, path: Path) -> Iterator[Labelled]:
        """Yield the functions in the files' order."""
        for number, (row, part) in enumerate(_rows(path)):
            yield Labelled(
                id=identifier("devign", row.project, row.commit_id, row.func),
                source="devign",
                code=row.func,
                vulnerable=_label(row, number),
                language="c",
                project=row.project,
                commit=row.commit_id,
                part=part,
            )

    def counts(self, path: Path) -> dict[str, int]:
        """Return how many functions there are, and how many in each of the authors' parts."""
        parts = Counter(part for _, part in _rows(path))
        return {"functions": parts.total()} | {part: parts[part] for part in PARTS if parts[part]}


def _label(row: _Row, number: int) -> bool:
    if row.target not in (0, 1):
        raise InputRefused(f"Row {number} of Devign has the label {row.target}.", "Labels are 0 and 1.")
    return row.target == 1


def _rows(path: Path) -> Iterator[tuple[_Row, str | None]]:
    whole = path / WHOLE if path.is_dir() else path
    if whole.is_file() and whole.suffix == ".json":
        parts = _parts(whole.parent)
        for number, row in enumerate(_decoded(whole.read_bytes(), list[_Row], whole)):
            yield row, parts.get(number)
        return
    files = [path / f"{part}.jsonl" for part in PARTS] if path.is_dir() else [path]
    found = [file for file in files if file.is_file()]
    if not found:
        raise InputRefused(f"There is no Devign in {path}.", f"Name {WHOLE} or the folder with train.jsonl.")
    for file in found:
        part = file.stem if file.stem in PARTS else None
        for line in file.read_bytes().splitlines():
            yield _decoded(line, _Row, file), part


def _parts(folder: Path) -> dict[int, str]:
    """Return the part of each row by its number, from the authors' lists."""
    lists = {part: folder / f"{part}.txt" for part in PARTS}
    return {int(number): part for part, file in lists.items() if file.is_file() for number in file.read_text().split()}


def _decoded(content: bytes, kind: Any, file: Path) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise InputRefused(f"{file.name} isn't Devign's: {error}.", "Fetch it again.") from error
