"""Parquet as the Hub shows it: a configuration for each kind, typed columns, one schema for every part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.dataset.exports.interface import DataSet, LibraryMissing
from pipeline.records import Example

SPLITS = {"train": "train", "valid": "validation", "test": "test"}
"""The Hub's names of the parts."""
TEXTS = (
    "kind", "label", "split", "fingerprint", "pair", "scanner", "rule", "severity", "domain", "technology", "path",
    "cluster", "tier", "author", "source", "verdict", "evidence", "before", "note", "commit", "made",
)  # fmt: skip
NUMBERS = ("start_line", "end_line", "approach")
LISTS = ("cwes", "lines")
NAMES = ("scanners",)


class Parquet:
    """Writes `{kind}/{train,validation,test}-00000-of-00001.parquet`, zstd-compressed."""

    name = "parquet"

    def write(self, data: DataSet, folder: Path) -> dict[str, int]:
        """Write the files; return rows by file. Raises LibraryMissing without pyarrow."""
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise LibraryMissing("Parquet needs pyarrow.", "Install it: pip install 'fixsmith[parquet]'.") from error
        schema = _schema(pyarrow)
        written = {}
        for (kind, part), examples in data.examples.items():
            name = f"{kind}/{SPLITS[part]}-00000-of-00001.parquet"
            (folder / kind).mkdir(parents=True, exist_ok=True)
            table = pyarrow.Table.from_pylist([_row(example) for example in examples], schema=schema)
            parquet.write_table(table, folder / name, compression="zstd")
            written[name] = len(examples)
        return written


def _schema(pyarrow: Any) -> Any:
    message = pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())])
    return pyarrow.schema(
        [("messages", pyarrow.list_(message))]
        + [(name, pyarrow.string()) for name in TEXTS]
        + [(name, pyarrow.int64()) for name in NUMBERS]
        + [(name, pyarrow.list_(pyarrow.int64())) for name in LISTS]
        + [(name, pyarrow.list_(pyarrow.string())) for name in NAMES]
    )


def _row(example: Example) -> dict[str, Any]:
    messages = [{"role": message.role, "content": message.content} for message in example.messages]
    return {"messages": messages} | {name: example.metadata.get(name) for name in (*TEXTS, *NUMBERS, *LISTS, *NAMES)}
