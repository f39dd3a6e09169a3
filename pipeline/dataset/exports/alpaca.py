"""The Alpaca form, a set for each domain, and its validator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pipeline.dataset.exports.interface import DataSet, texts
from pipeline.dataset.split import PARTS
from pipeline.records import Example
from pipeline.stage import write_atomically

KEYS = ("instruction", "input", "output")


class Alpaca:
    """Writes `{domain}/{train,valid,test}.json`: lists of instruction, input, output."""

    name = "alpaca"

    def write(self, data: DataSet, folder: Path) -> dict[str, int]:
        """Write the files; return rows by file."""
        written = {}
        for part in PARTS:
            by_domain: dict[str, list[dict[str, str]]] = defaultdict(list)
            for _, example in data.of(part):
                by_domain[str(example.metadata["domain"])].append(_row(example))
            for domain, rows in sorted(by_domain.items()):
                path = folder / domain / f"{part}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
                written[f"{domain}/{part}.json"] = len(rows)
        return written


def _row(example: Example) -> dict[str, str]:
    return dict(zip(KEYS, texts(example), strict=True))


def problems(folder: Path) -> Iterator[str]:
    """Yield what is wrong with Alpaca sets below a folder, a line each: `file[index]: fault`.

    Every file is a list of objects with exactly the three texts, instruction and output not empty; nothing
    that is asked in one file is asked in another, and within a file only for another answer: a weakness
    may have several right fixes.
    """
    files = sorted(path for path in folder.rglob("*.json") if path.stem in PARTS)
    if not files:
        yield f"{folder}: no train.json, valid.json or test.json"
    asked: dict[tuple[str, str], tuple[str, str]] = {}
    said: set[tuple[str, str, str]] = set()
    for path in files:
        name = path.relative_to(folder).as_posix()
        for place, row, fault in _rows(path, name):
            if fault is not None:
                yield f"{place}: {fault}"
                continue
            question = (row["instruction"], row["input"])
            first, where = asked.setdefault(question, (name, place))
            if first != name or (*question, row["output"]) in said:
                yield f"{place}: asked already in {where}"
            said.add((*question, row["output"]))


def _rows(path: Path, name: str) -> Iterator[tuple[str, Any, str | None]]:
    """Yield place, row and fault; the row is to be used only without a fault."""
    try:
        rows = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        yield name, None, f"no JSON: {error}"
        return
    if not isinstance(rows, list) or not rows:
        yield name, None, "no list of examples"
        return
    for number, row in enumerate(rows):
        yield f"{name}[{number}]", row, _fault(row)


def _fault(row: Any) -> str | None:
    if not isinstance(row, dict) or sorted(row) != sorted(KEYS):
        return "must hold instruction, input and output, and nothing else"
    if not all(isinstance(row[key], str) for key in KEYS):
        return "instruction, input and output must be texts"
    empty = next((key for key in ("instruction", "output") if not row[key].strip()), None)
    return f"{empty} is empty" if empty else None
