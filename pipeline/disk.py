"""Files that reach the disk whole, and their digests. Imports nothing of the project."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: after a crash there is the old file or the new, never a part.

    What a crash leaves has a fixed name, so that the repeat takes it away.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def synchronise(path: Path) -> None:
    """Flush a file or folder to disk, so that a rename after it can't overtake its content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
