"""Every form a data set can be written in; adding one is a file and a line here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from pipeline.dataset.exports.alpaca import Alpaca
from pipeline.dataset.exports.chat import Chat
from pipeline.dataset.exports.completions import Completions
from pipeline.dataset.exports.infrastructure import Infrastructure
from pipeline.dataset.exports.interface import DataSet, Export
from pipeline.dataset.exports.parquet import Parquet
from pipeline.stage import digest_folder, write_atomically

EXPORTS: tuple[Export, ...] = (Chat(), Completions(), Alpaca(), Infrastructure(), Parquet())
INFORMATION = "export_info.json"


def export(source: Path, target: Path, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Write the data set in `source` below `target` in the named forms; return rows by form and file.

    `export_info.json` is written last: rows, and the SHA-256 of what was read.
    """
    data = DataSet.read(source)
    rows = {one.name: one.write(data, target / one.name) for one in EXPORTS if one.name in names}
    inputs = {name: file.sha256 for name, file in digest_folder(source).items()}
    told = {"rows": rows, "inputs": inputs}
    write_atomically(target / INFORMATION, msgspec.json.format(msgspec.json.encode(told, order="sorted")) + b"\n")
    return rows
