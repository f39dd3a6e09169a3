"""Files that are whole or not there: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.disk import synchronise, write_atomically


def write(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a kill at any moment leaves the old file or the new one."""
    write_atomically(path, content)
    synchronise(path.parent)


def rename_folder(temporary: Path, folder: Path) -> None:
    """Move a finished folder into place, over an older one."""
    for path in temporary.rglob("*"):
        if path.is_file():
            synchronise(path)
    synchronise(temporary)
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        temporary.rename(folder)
    synchronise(folder.parent)
