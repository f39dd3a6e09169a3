"""A JSON-lines file that survives a kill: whole lines are kept, a half one is cut off and made again."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

import msgspec

from pipeline.records import Record
from pipeline.stage import read_records

R = TypeVar("R", bound=Record)


class Lines(Generic[R]):
    """Records already in a file, and a way to append more, each flushed as a whole line."""

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        _cut_half_line(path)
        self.records = list(read_records(path, kind))
        self._stream = path.open("ab")

    def __enter__(self) -> Lines[R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.fsync(self._stream.fileno())
        self._stream.close()

    def append(self, record: R) -> None:
        """Add one record."""
        self._stream.write(msgspec.json.encode(record, order="sorted") + b"\n")
        self._stream.flush()


def _cut_half_line(path: Path) -> None:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
