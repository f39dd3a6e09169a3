"""A JSON-lines file that survives a kill or a power cut: what is whole is kept, the rest cut off and made again."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

import msgspec

from pipeline.records import Record

R = TypeVar("R", bound=Record)


class Lines(Generic[R]):
    """Records already in a file, and a way to append more, each flushed as a whole line."""

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.records = _whole(path, kind)
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


def _whole(path: Path, kind: type[R]) -> list[R]:
    """Return the records up to the first line that is none, and cut the file off there."""
    records, size = [], 0
    with path.open("rb") as stream:
        for line in stream:
            try:
                records.append(msgspec.json.decode(line, type=kind))
            except msgspec.DecodeError:
                break
            if not line.endswith(b"\n"):
                records.pop()
                break
            size += len(line)
    if size < path.stat().st_size:
        os.truncate(path, size)
    return records
