"""The version of the code that made something: a digest over its own source files."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

PACKAGES = ("config", "pipeline")


@functools.cache
def code_digest() -> str:
    """Return the SHA-256 over every Python file of the packages that determine an output."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
