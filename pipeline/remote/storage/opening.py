"""From an address to its storage."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from config.errors import UsageError
from pipeline.remote.storage.interface import Storage


def opened(address: str) -> Storage:
    """Return the storage at a folder, `s3://BUCKET/PREFIX` or `ssh://HOST/FOLDER`; raise UsageError for others."""
    if address.startswith("/"):
        from pipeline.remote.storage.folder import FolderStorage

        return FolderStorage(Path(address))
    parts = urlsplit(address)
    if parts.scheme == "s3" and parts.netloc:
        from pipeline.remote.storage.bucket import BucketStorage

        return BucketStorage(address)
    if parts.scheme == "ssh" and parts.netloc and parts.path.strip("/") and not {"?", "#", "~"} & set(address):
        from pipeline.remote.ssh import Ssh
        from pipeline.remote.storage.disk import DiskStorage

        return DiskStorage(Ssh(parts.netloc), parts.path)
    raise UsageError(
        f"remote.storage {address.rpartition('@')[2]!r} is no storage.",
        "Give an absolute folder, s3://BUCKET/PREFIX or ssh://HOST/FOLDER.",
    )


def as_seen_there(address: str) -> str:
    """Return the address the worker uses for the same storage: behind ssh it is a folder of its own disk."""
    return urlsplit(address).path if address.startswith("ssh://") else address
