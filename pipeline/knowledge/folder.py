"""Which files of the user's folder are notes. It loads nothing: the service looks at them every minute."""

from __future__ import annotations

import os
from pathlib import Path

MOST = 10_000
SUFFIXES = (".md", ".markdown")
_SKIPPED = frozenset({".git", "node_modules"})


def note_files(folder: Path | None) -> list[tuple[str, Path]]:
    """Return name and path of each Markdown file, sorted by name; nothing for no folder.

    Links are followed to files inside the folder only, names that aren't UTF-8 are left out.
    """
    if folder is None or not folder.is_dir():
        return []
    root = Path(os.path.realpath(folder))
    found: list[tuple[str, Path]] = []
    for place, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - _SKIPPED)
        for name in names:
            path = Path(place, name)
            if name.lower().endswith(SUFFIXES) and path.is_file() and Path(os.path.realpath(path)).is_relative_to(root):
                found.append((path.relative_to(root).as_posix(), path))
    return sorted(pair for pair in found if _is_text(pair[0]))[:MOST]


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)
