"""The drop folder: what is put there becomes a run once it is complete.

Files stay where they were put; what was taken is known by its digest, so that a renamed file
isn't taken again and a replaced one is.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from config.errors import Error
from daemon.clock import Clock
from daemon.errors import on_disk
from daemon.store.records import NewRun
from daemon.store.store import Store
from pipeline.stage import digest_of, synchronise

UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".swp", "~")
PATIENCE = 3600.0  # a zip without its directory isn't waited for longer
CHUNK = 1024 * 1024
logger = logging.getLogger("fixsmith.drop")


class Look(msgspec.Struct, frozen=True):
    """A file as it stood at one look."""

    size: int
    modified: int
    inode: int
    changed: int


class DropFolder:
    """Takes complete files from the folder into the queue, those complete together as one run."""

    def __init__(self, store: Store, clock: Clock, folder: Path, downloads: Path) -> None:
        self.store = store
        self.clock = clock
        self.folder = folder
        self.downloads = downloads
        self._seen: dict[Path, tuple[Look, float]] = {}
        self._taken: dict[Path, Look] = {}
        self.unreadable: tuple[str, ...] = ()
        """What the newest look found and could not read, by name."""

    def step(self, settle: float) -> float | None:
        """Look once; take what is complete. Return the seconds until another look is worth it, None: a change.

        Raises Error when the folder can't be read or the disk is full; nothing is lost by that.
        """
        now = self.clock.monotonic()
        self._refused: set[Path] = set()
        looks = dict(self._look())
        self._seen = {path: self._since(path, look, now) for path, look in looks.items()}
        fresh = [path for path, look in looks.items() if self._taken.get(path) != look]
        complete = [path for path in fresh if self._is_complete(path, now, settle)]
        if complete:
            self._take(sorted(complete), looks)
        self._taken = {path: look for path, look in self._taken.items() if path in looks}
        self.unreadable = tuple(sorted(shown(path.relative_to(self.folder)) for path in self._refused))
        return max(settle, 0.2) if len(complete) < len(fresh) else None

    def _look(self) -> Iterator[tuple[Path, Look]]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for base, folders, names in os.walk(self.folder, onerror=self._closed):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in sorted(names):
                    path = Path(base) / name
                    if not name.startswith(".") and not name.lower().endswith(UNFINISHED):
                        yield from self._look_at(path)
        except OSError as error:
            raise Error(f"The drop folder {self.folder} can't be read: {error.strerror}.", "Check it.") from error

    def _closed(self, error: OSError) -> None:
        """Remember a folder that can't be listed; the drop folder itself is an error."""
        if Path(error.filename) == self.folder:
            raise error
        if not isinstance(error, FileNotFoundError):
            self._refused.add(Path(error.filename))

    def _look_at(self, path: Path) -> Iterator[tuple[Path, Look]]:
        look = _look(path)
        if look is not None:
            yield path, look

    def _since(self, path: Path, look: Look, now: float) -> tuple[Look, float]:
        before = self._seen.get(path)
        return before if before is not None and before[0] == look else (look, now)

    def _is_complete(self, path: Path, now: float, settle: float) -> bool:
        """A file is complete when it rests; a zip must have its directory, which is written last."""
        look, since = self._seen[path]
        rested = now - since
        if rested < settle or look.size == 0:
            return False
        return not path.name.lower().endswith(".zip") or rested > PATIENCE or _is_zip(path)

    def _take(self, paths: list[Path], looks: dict[Path, Look]) -> None:
        """Copy files whose content is new and put one run of them into the queue."""
        contents: dict[str, Path] = {}
        for path in paths:
            digest = self._digest(path)
            if digest is None or _look(path) != looks[path]:
                continue  # it is being written after all, or can't be read: the next look decides
            self._taken[path] = looks[path]
            if not self.store.queue.was_dropped(digest):
                contents.setdefault(digest, path)
        if contents:
            self._queue(contents)

    def _queue(self, contents: dict[str, Path]) -> None:
        identity = digest_of(sorted(contents))
        folder = self.downloads / f"drop-{identity[:16]}"
        copied = False
        try:
            with on_disk("Dropped files can't be copied"):
                copied = _copy(contents, self.folder, folder)
        finally:
            for path in contents.values() if not copied else ():
                self._taken.pop(path, None)
        if not copied:
            return
        now = self.clock.now()
        new = NewRun(f"drop:{identity}", "drop", None, None, None, str(folder), now)
        names = {digest: shown(path.relative_to(self.folder)) for digest, path in contents.items()}
        self.store.queue.add_dropped(new, names, now)
        logger.info("%s dropped files queued", len(contents))

    def _digest(self, path: Path) -> str | None:
        try:
            return _digest_of(path)
        except FileNotFoundError:
            return None
        except OSError:
            self._refused.add(path)
            return None


def shown(path: Path) -> str:
    """Return a relative path as text that can be written anywhere: `_` for each byte that is no UTF-8."""
    return re.sub("[\udc80-\udcff]", "_", path.as_posix())


def _is_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except OSError:
        return False


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _look(path: Path) -> Look | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None  # a link leads elsewhere; a folder's files are looked at themselves
    return Look(found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)


def _copy(contents: dict[str, Path], root: Path, folder: Path) -> bool:
    """Copy files under their relative names; False when one changed or went meanwhile. The folder appears whole."""
    temporary = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    for digest, path in contents.items():
        target = temporary / shown(path.relative_to(root))
        if target.exists():  # two names that are no UTF-8 may be shown alike
            target = temporary / digest / target.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return False
        with path.open("rb") as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        if _digest_of(target) != digest:
            shutil.rmtree(temporary, ignore_errors=True)
            return False
        synchronise(target)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)
    synchronise(folder.parent)
    return True
