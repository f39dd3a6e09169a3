"""Storage in a folder both ends see: NFS, or this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
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
        for place, folders, names in os.walk(self.root / checked(prefix), onerror=_unless_gone):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for path in (Path(place) / name for name in names if not name.startswith(".")):
                with contextlib.suppress(FileNotFoundError), _told(path):
                    if path.is_file() and not path.is_symlink():
                        found.append(Entry(checked(path.relative_to(self.root).as_posix()), path.stat().st_size))
        return sorted(found)

    def read(self, name: str, start: int = 0, longest: int = CHUNK) -> bytes:
        """Return a part of a file."""
        path = self.root / checked(name)
        try:
            with _told(path), path.open("rb") as stream:
                stream.seek(start)
                return stream.read(longest)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._gone(name) from error

    def write(self, name: str, content: bytes) -> None:
        """Replace a file."""
        target = self.root / checked(name)
        with _told(target, "written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            files.write(target, content)

    def put(self, source: Path, name: str) -> None:
        """Copy a local file there."""
        target = self.root / checked(name)
        source.stat()
        with _told(target, "written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.tmp")
            shutil.copyfile(source, temporary)
            temporary.replace(target)

    def get(self, name: str, target: Path) -> None:
        """Copy a file from there."""
        path = self.root / checked(name)
        try:
            with _told(path):
                shutil.copyfile(path, target)
        except (FileNotFoundError, NotADirectoryError) as error:
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


def _unless_gone(error: OSError) -> None:
    """A folder may be removed while it is listed; any other trouble is no empty folder."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise Unreachable(f"{error.filename} can't be read ({error.strerror}).", "Check remote.storage.") from error


@contextlib.contextmanager
def _told(path: Path, done: str = "read") -> Iterator[None]:
    """Raise Unreachable for what the disk or the network behind it does; that a file isn't there is for the caller."""
    try:
        yield
    except OSError as error:
        if done == "read" and isinstance(error, FileNotFoundError | NotADirectoryError):
            raise
        raise Unreachable(f"{path} can't be {done} ({error.strerror or error}).", "Check remote.storage.") from error
