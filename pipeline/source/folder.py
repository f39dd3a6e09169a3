"""A plain folder as a source tree: nothing outside it is read, however a path or a link is written."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pipeline.source.interface import MAX_FILE_BYTES, MAX_FILES, Absence, Reading, SourceError, is_text

SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".gradle"})
"""Folders that are neither listed nor digested: other people's code and tools' caches."""


_VERSION_CONTROL = SKIPPED_FOLDERS & {".git", ".hg", ".svn"}


class FolderTree:
    """The files below `root`, as they are now."""

    def __init__(self, root: Path | str, *, max_bytes: int = MAX_FILE_BYTES, max_files: int = MAX_FILES) -> None:
        self.root = Path(os.path.realpath(root))
        self.max_bytes = max_bytes
        self.max_files = max_files
        if not self.root.is_dir():
            raise SourceError(f"The source {root} isn't a folder.", "Give --source an existing folder or repository.")

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when it can't be read."""
        return self.examine(path).content

    def examine(self, path: str) -> Reading:
        """Return a file's bytes, or why not; links are followed only inside the root, and not into `.git`."""
        if "\0" in path or path.startswith("/") or ".." in path.split("/") or not is_text(path):
            return Reading(absence=Absence.OUTSIDE)
        real = Path(os.path.realpath(self.root / path))
        if not real.is_relative_to(self.root) or _VERSION_CONTROL & set(real.relative_to(self.root).parts):
            return Reading(absence=Absence.OUTSIDE)
        return self._read(real)

    def files(self) -> Iterator[str]:
        """Yield the paths of all regular files, sorted, without links and skipped folders."""
        for count, path in enumerate(self._walk(self.root, "")):
            if count >= self.max_files:
                raise SourceError(
                    f"The source {self.root.name} has more than {self.max_files} files.",
                    "Give a smaller folder, a git repository with --commit, or raise source.max_files.",
                )
            yield path

    def digest(self) -> str:
        """Return a SHA-256 over sorted paths and contents; of files too large to be read, the size."""
        total = hashlib.sha256()
        for path in self.files():
            reading = self.examine(path)
            if reading.content is not None:
                identity = hashlib.sha256(reading.content).hexdigest()
            else:
                identity = f"{reading.absence}:{_size(self.root / path)}"
            total.update(f"{path}\0{identity}\n".encode())
        return total.hexdigest()

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, real: Path) -> Reading:
        try:
            status = real.stat()
            if not stat.S_ISREG(status.st_mode):
                return Reading(absence=Absence.NO_FILE)
            if status.st_size > self.max_bytes:
                return Reading(absence=Absence.TOO_LARGE)
            return Reading(content=real.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return Reading(absence=Absence.NO_FILE)
        except OSError:
            return Reading(absence=Absence.UNREADABLE)

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(folder), key=_order)
        except OSError:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED_FOLDERS and is_text(entry.name):
                    yield from self._walk(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False) and is_text(entry.name):
                yield prefix + entry.name


def _order(entry: os.DirEntry[str]) -> str:
    """Sort key that gives the order of whole paths."""
    return entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "")


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return -1
