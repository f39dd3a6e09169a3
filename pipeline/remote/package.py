"""The worker's code as it is sent: the bundle and what starts it, named by its digest, made once."""

from __future__ import annotations

from pathlib import Path

from pipeline.code import code_digest
from pipeline.models.cache import cache_folder
from pipeline.remote.bundle import build

CARRIERS = (
    "config/secret.py",
    "pipeline/remote/attempt.py",
    "pipeline/remote/child.py",
    "pipeline/remote/errors.py",
    "pipeline/remote/layout.py",
    "pipeline/remote/leashed.py",
    "pipeline/remote/ports.py",
    "pipeline/remote/ray/__init__.py",
    "pipeline/remote/ray/driver.py",
    "pipeline/remote/results.py",
    "pipeline/remote/start.py",
    "pipeline/remote/storage/__init__.py",
    "pipeline/remote/storage/bucket.py",
    "pipeline/remote/storage/folder.py",
    "pipeline/remote/storage/interface.py",
    "pipeline/remote/storage/opening.py",
)
"""What carries a worker's training: claims, staging, the storage, Ray's driver."""


def package() -> Path:
    """Return the zip of the worker's code, the same bytes for the same code."""
    target = cache_folder() / "worker" / f"{code_digest()}.zip"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        build(target.with_name(f".{target.name}.part"), CARRIERS).replace(target)
    return target
