"""The data set as it is published: without canaries, and without code where the settings say so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.dataset.codefree import Clearing
from pipeline.publishing.guards import CANARIES
from pipeline.records import Example
from pipeline.stage import read_records, write_records

KINDS, SPLITS = ("analysis", "codefix"), ("train", "valid", "test")
INFORMATION = "dataset_info.json"


def lay_out(source: Path, target: Path, *, code: bool) -> dict[str, dict[str, int]]:
    """Write the published form of a data set; return the examples by kind and part."""
    if code:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(CANARIES))
    else:
        target.mkdir(parents=True)
        if (source / INFORMATION).is_file():
            shutil.copy2(source / INFORMATION, target / INFORMATION)
    clear = None if code else Clearing(example for kind in KINDS for example in _all(source / kind))
    counts: dict[str, dict[str, int]] = {}
    for kind in KINDS if code else KINDS[:1]:
        for split in SPLITS:
            path = source / kind / f"{split}.jsonl"
            kept = [clear(example) if clear else example for example in _kept(path)]
            counts.setdefault(kind, {})[split] = write_records(target / kind / path.name, kept)
    return counts


def _all(folder: Path) -> Iterator[Example]:
    for split in SPLITS:
        yield from _kept(folder / f"{split}.jsonl")


def _kept(path: Path) -> Iterator[Example]:
    """Yield the examples of a file but for canaries; none where there is no file."""
    for example in read_records(path, Example) if path.is_file() else ():
        if example.metadata.get("kind") != "canary":
            yield example
