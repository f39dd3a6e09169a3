"""The seam of the exports: a data set in, files of one form out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from config.errors import Error, InputRefused
from pipeline.dataset.split import PARTS
from pipeline.records import Example
from pipeline.stage import read_records, write_atomically

KINDS = ("analysis", "codefix")


class LibraryMissing(Error):
    """A form needs a library that isn't installed."""


class DataSet(msgspec.Struct, frozen=True):
    """The examples of a data set by (kind, part)."""

    examples: Mapping[tuple[str, str], Sequence[Example]]

    @classmethod
    def read(cls, folder: Path) -> DataSet:
        """Read a folder with `{analysis,codefix}/{train,valid,test}.jsonl`; raise InputRefused when there is none."""
        paths = {(kind, part): folder / kind / f"{part}.jsonl" for kind in KINDS for part in PARTS}
        found = {key: tuple(read_records(path, Example)) for key, path in paths.items() if path.is_file()}
        if not found:
            raise InputRefused(f"There is no data set in {folder}.", "Run process_artifacts first, or name another.")
        return cls(found)

    def of(self, part: str) -> Iterator[tuple[str, Example]]:
        """Yield (kind, example) of one part, explanations before fixes."""
        for kind in KINDS:
            for example in self.examples.get((kind, part), ()):
                yield kind, example


class Export(Protocol):
    """One form of a data set."""

    @property
    def name(self) -> str:
        """The form's name, as in `fixsmith dataset export --format`, and its folder's."""
        ...

    def write(self, data: DataSet, folder: Path) -> dict[str, int]:
        """Write the files below `folder`; return rows by file. The same data set gives the same bytes."""
        ...


def write_lines(path: Path, rows: Iterable[Any]) -> int:
    """Write rows as JSON lines; return how many."""
    lines = [msgspec.json.encode(row) + b"\n" for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, b"".join(lines))
    return len(lines)


def texts(example: Example) -> tuple[str, str, str]:
    """Return what the system says, what is asked, and the answer."""
    by_role = {message.role: message.content for message in example.messages}
    return by_role.get("system", ""), by_role["user"], by_role["assistant"]
