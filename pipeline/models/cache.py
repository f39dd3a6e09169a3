"""The cache folder: things that can be made again, shared by all workspaces of a person."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: `$FIXSMITH_CACHE`, or the platform's own place for caches."""
    chosen = os.environ.get("FIXSMITH_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fixsmith"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fixsmith"


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; another process that wants it waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def build_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return `folder`, made by `build(temporary)` if it isn't there, and renamed into place whole.

    Two processes at once build it once; a killed build leaves nothing that looks finished.
    """
    if folder.is_dir():
        return folder
    with lock(folder.with_name(f".{folder.name}.lock")):
        if not folder.is_dir():
            _build(folder, build)
    return folder


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    for left_over in folder.parent.glob(f".{folder.name}.tmp-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.tmp-", dir=folder.parent))
    try:
        build(temporary)
        temporary.chmod(0o755)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
