"""Every set that can be imported, and what becomes of one: checked, without duplicates, split by cluster."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from config.errors import InputRefused
from config.settings import Dataset
from pipeline.dataset.clusters import cluster
from pipeline.dataset.importers.crossvul import Crossvul
from pipeline.dataset.importers.cvefixes import Cvefixes
from pipeline.dataset.importers.devign import Devign
from pipeline.dataset.importers.interface import Importer, Labelled, check
from pipeline.dataset.split import PARTS, split
from pipeline.stage import digest_file, digest_folder, digest_of, write_atomically, write_records

IMPORTERS: tuple[Importer, ...] = (Devign(), Cvefixes(), Crossvul())
INFORMATION = "dataset_info.json"


def import_set(importer: Importer, path: Path, target: Path, settings: Dataset, *, partial: bool) -> dict[str, Any]:
    """Write `{train,valid,test}.jsonl` of Labelled records and `dataset_info.json`; return the latter.

    Raises WrongCount when the files hold no release's numbers and `partial` isn't asked for.
    """
    release = importer.counts(path) if partial else check(importer, path)
    dropped: Counter[str] = Counter()
    rows = _distinct(list(importer.read(path)), dropped)
    if not rows:
        raise InputRefused(f"{path} holds nothing of {importer.name}.", "Name the set's own files.")
    parts = _parts(rows, settings)
    counts = {
        part: write_records(_ready(target / f"{part}.jsonl"), [row for row in rows if parts[row.id] == part])
        for part in PARTS
    }
    told = {
        "set": importer.name,
        "release": release,
        "counts": counts,
        "labels": dict(sorted(Counter("vulnerable" if row.vulnerable else "safe" for row in rows).items())),
        "by_cwe": dict(sorted(Counter(f"CWE-{cwe}" for row in rows for cwe in row.cwes).items())),
        "by_language": dict(sorted(Counter(row.language for row in rows).items())),
        "dropped": dict(sorted(dropped.items())),
        "split": "by the authors' parts" if rows[0].part else "by project, pair and near-duplicate cluster",
        "input": digest_of(digest_folder(path)) if path.is_dir() else digest_file(path),
    }
    write_atomically(target / INFORMATION, msgspec.json.format(msgspec.json.encode(told, order="sorted")) + b"\n")
    return told


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _distinct(rows: list[Labelled], dropped: Counter[str]) -> list[Labelled]:
    """Keep each text once; one that is called both vulnerable and safe says nothing and goes."""
    labels: dict[str, set[bool]] = {}
    for row in rows:
        labels.setdefault(_digest(row), set()).add(row.vulnerable)
    kept: dict[str, Labelled] = {}
    for row in rows:
        digest = _digest(row)
        if len(labels[digest]) == 2:
            dropped["called both vulnerable and safe"] += 1
        elif digest in kept:
            dropped["said already"] += 1
        else:
            kept[digest] = row
    return list(kept.values())


def _digest(row: Labelled) -> str:
    return hashlib.sha256(" ".join(row.code.split()).encode("utf-8", "surrogatepass")).hexdigest()


def _parts(rows: list[Labelled], settings: Dataset) -> dict[str, str]:
    """Return each row's part: the authors', else whole projects, pairs and near-duplicate clusters."""
    if all(row.part for row in rows):
        return {row.id: str(row.part) for row in rows}
    names = cluster([row.project or row.pair or row.id for row in rows], [row.code for row in rows])
    where = split(names, [False] * len(rows), settings.valid_fraction, settings.test_fraction, settings.seed)
    return {row.id: where[name] for row, name in zip(rows, names, strict=True)}
