"""What collecting and parsing agree on: the index of files, the unpacked file, a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from config.settings import Artifacts
from pipeline.records import Record, Rejection

INDEX = "index.jsonl"
REJECTED = "rejected.jsonl"


class IndexEntry(Record):
    """A file inside an artifact, as collected; its bytes stay where the user has them.

    `artifact` is the artifact's SHA-256, `report` the path inside it (`.` when the artifact
    is itself the file), `place` the path a person finds it under, from the folder given.
    """

    snapshot: str
    artifact: str
    report: str
    place: str
    sha256: str
    bytes: int


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an artifact lying on disk, for as long as the walk stands at it."""

    artifact: str
    report: str
    place: str
    path: Path
    sha256: str
    size: int


class Refusal(Exception):
    """A file, entry or artifact is refused; the text is the reason for rejected.jsonl."""


class Budget:
    """What an artifact may still unpack to: bytes and files, counted while it happens."""

    def __init__(self, limits: Artifacts) -> None:
        self.limits = limits
        self._bytes = limits.max_total_bytes
        self._files = limits.max_files

    def take_file(self) -> None:
        """Count one file; raise Refusal when it is one too many."""
        self._files -= 1
        if self._files < 0:
            raise ArtifactRefusal(f"more than {self.limits.max_files} files in one artifact")

    def take_bytes(self, count: int) -> None:
        """Count unpacked bytes; raise Refusal when the artifact is past its limit."""
        self._bytes -= count
        if self._bytes < 0:
            raise ArtifactRefusal(f"unpacks to more than {self.limits.max_total_bytes} bytes")


class ArtifactRefusal(Refusal):
    """The artifact as a whole is past a limit: what was read of it stays, the rest is refused."""


def sorted_rejections(rejections: Iterable[Rejection]) -> list[Rejection]:
    """Return each rejection once, by place, pointer and reason: the same for inputs in any order."""
    return sorted(set(rejections), key=lambda one: (one.report, one.pointer, one.reason, one.artifact))
