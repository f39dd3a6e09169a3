"""Storage in a folder both ends see: NFS, or this machine."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from pipeline.remote.errors import Gone, Unreachable
from pipeline.remote.storage.interface import CHUNK, Entry, checked
from pipeline.training import files


class FolderStorage:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entries(self, prefix: str) -> list[Entry]:
        """Return the files below `prefix`, without what is being written."""
        found = []
        for path in (self.root / checked(prefix)).rglob("*"):
            name = path.relative_to(self.root).as_posix()
            if path.is_file() and not path.is_symlink() and "/." not in name:
                with contextlib.suppress(FileNotFoundError):
                    found.append(Entry(checked(name), path.stat().st_size))
        return sorted(found)

    def read(self, name: str, start: int = 0, longest: int = CHUNK) -> bytes:
        """Return a part of a file."""
        try:
            with (self.root / checked(name)).open("rb") as stream:
                stream.seek(start)
                return stream.read(longest)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._gone(name) from error

    def write(self, name: str, content: bytes) -> None:
        """Replace a file."""
        target = self.root / checked(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            files.write(target, content)
        except OSError as error:
            raise Unreachable(f"{target} can't be written ({error.strerror}).", "Check remote.storage.") from error

    def put(self, source: Path, name: str) -> None:
        """Copy a local file there."""
        target = self.root / checked(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.tmp")
            shutil.copyfile(source, temporary)
            temporary.replace(target)
        except OSError as error:
            raise Unreachable(f"{target} can't be written ({error.strerror}).", "Check remote.storage.") from error

    def get(self, name: str, target: Path) -> None:
        """Copy a file from there."""
        try:
            shutil.copyfile(self.root / checked(name), target)
        except FileNotFoundError as error:
            raise self._gone(name) from error

    def delete(self, prefix: str) -> None:
        """Remove a folder or file."""
        path = self.root / checked(prefix)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    @staticmethod
    def _gone(name: str) -> Gone:
        return Gone(f"{name} isn't in the storage.", "Start the training again.")
