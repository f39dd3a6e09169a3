"""The path a scanner reports, found in the tree: prefixes of build machines and containers taken off."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from urllib.parse import unquote

from pipeline.source.interface import SourceTree

_MIN_PARTS = 2
"""A shortened path needs this many parts to be looked for at the end of other paths."""


class PathFinder:
    """Finds reported paths among a tree's files; the list of files is read on the first miss only."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._by_name: dict[str, list[str]] | None = None

    def find(self, reported: str) -> str | None:
        """Return the tree's path for a reported one, None when there is none or more than one."""
        plain = reported.replace("\\", "/").removeprefix("file://")
        for candidate in dict.fromkeys((plain, unquote(plain))):
            cleaned = "/".join(part for part in candidate.split("/") if part not in ("", "."))
            inside = _without_climbing(cleaned)
            if inside and self._exists(inside):
                return inside
            if inside and (found := self._by_ending(inside)):
                return found
            if cleaned and not inside:
                return cleaned
        return None

    def named(self, name: str) -> list[str]:
        """Return the paths whose last part is `name`, sorted."""
        return self._names().get(name, [])

    def _exists(self, path: str) -> bool:
        reading = self._tree.examine(path)
        return reading.absence is None or reading.absence.value != "no_such_file"

    def _by_ending(self, path: str) -> str | None:
        parts = path.split("/")
        known = self._names().get(parts[-1], [])
        for start in range(1, len(parts) - _MIN_PARTS + 1):
            ending = "/".join(parts[start:])
            if ending in known:
                return ending
        within = [name for name in known if len(parts) >= _MIN_PARTS and name.endswith("/" + path)]
        return within[0] if len(within) == 1 else None

    def _names(self) -> dict[str, list[str]]:
        if self._by_name is None:
            names: dict[str, list[str]] = defaultdict(list)
            for path in self._tree.files():
                names[path.rpartition("/")[2]].append(path)
            self._by_name = dict(names)
        return self._by_name


def _without_climbing(path: str) -> str:
    """Return a path with its `a/..` taken out; nothing when it leaves the tree."""
    plain = posixpath.normpath(path) if path else ""
    return "" if plain in (".", "..") or plain.startswith("../") else plain
