"""The seam of the fixes room: a miner is given a finding and its trees, and yields fixes or says why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.fixes.text import SourceText
from pipeline.records import Finding, Fix, FixSource, Record
from pipeline.source.interface import SourceTree
from pipeline.source.paths import PathFinder


class Refusal(Record):
    """No fix here, and why: counted by source, so that a low yield is explained."""

    reason: str


class Snapshot:
    """The files of one commit, each read once."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self._finder = PathFinder(tree)
        self._texts: dict[str, SourceText | None] = {}
        self._paths: frozenset[str] | None = None

    def text(self, path: str) -> SourceText | None:
        """Return a text file by the tree's own path, None when there is none."""
        if path not in self._texts:
            self._texts[path] = SourceText.read(self.tree, path)
        return self._texts[path]

    def find(self, reported: str) -> SourceText | None:
        """Return the file a scanner's path means, None when there is none or it isn't clear."""
        path = self._finder.find(reported)
        return None if path is None else self.text(path)

    @property
    def paths(self) -> frozenset[str]:
        """All paths of the tree."""
        if self._paths is None:
            self._paths = frozenset(self.tree.files())
        return self._paths


@dataclass(frozen=True, slots=True)
class Case:
    """A finding with the trees it can be looked up in.

    `here` is the snapshot it was reported in. `later` is the newer snapshot when the finding
    is gone there, None for a finding that is still open. `seen_later` names the scanners that
    reported anything in the newer snapshot: the others may not have run. `again` holds the lines
    of the same file where the newer scan reports the same rule and the older one didn't,
    `elsewhere` path and line of those in any file.
    """

    finding: Finding
    here: Snapshot
    later: Snapshot | None = None
    seen_later: frozenset[str] = field(default_factory=frozenset)
    again: frozenset[int] = field(default_factory=frozenset)
    elsewhere: frozenset[tuple[str, int]] = field(default_factory=frozenset)


class Miner(Protocol):
    """One source of fixes."""

    @property
    def source(self) -> FixSource:
        """What the fixes say they come from."""
        ...

    def propose(self, case: Case) -> Iterator[Fix | Refusal]:
        """Yield fixes in a fixed order, or why a finding it feels responsible for has none."""
        ...
