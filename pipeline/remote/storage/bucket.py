"""Storage in a bucket that speaks S3, through pyarrow: AWS, MinIO, Ceph, R2 and others.

`s3://BUCKET/PREFIX`, with `?endpoint_override=HOST:PORT&scheme=http` for one of your own. Keys come from the
environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or the machine's role, never from the address.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.errors import UsageError
from pipeline.remote.errors import Gone, Unreachable
from pipeline.remote.storage.interface import CHUNK, Entry, checked


class BucketStorage:
    """Files below a prefix of a bucket. An object appears when it is complete, so nothing is ever half there."""

    def __init__(self, address: str) -> None:
        try:
            from pyarrow import fs
        except ImportError as error:
            raise UsageError("Storage in a bucket needs pyarrow.", "Run: pip install 'fixsmith[parquet]'") from error
        if "@" in address.partition("?")[0]:
            raise UsageError("remote.storage carries a key.", "Give it as AWS_ACCESS_KEY_ID in the environment.")
        self._fs = fs
        with _told(""):
            self._files, self._root = fs.FileSystem.from_uri(address)

    def entries(self, prefix: str) -> list[Entry]:
        """Return the objects below `prefix`."""
        selector = self._fs.FileSelector(self._path(prefix), recursive=True, allow_not_found=True)
        with _told(prefix):
            found = self._files.get_file_info(selector)
        start = len(self._root) + 1
        return sorted(Entry(checked(one.path[start:]), one.size) for one in found if one.is_file)

    def read(self, name: str, start: int = 0, longest: int = CHUNK) -> bytes:
        """Return a part of an object."""
        with _told(name), self._files.open_input_file(self._path(name)) as stream:
            if start >= stream.size():
                return b""
            return bytes(stream.read_at(min(longest, stream.size() - start), start))

    def write(self, name: str, content: bytes) -> None:
        """Replace an object."""
        with _told(name), self._files.open_output_stream(self._path(name)) as stream:
            stream.write(content)

    def put(self, source: Path, name: str) -> None:
        """Upload a file."""
        with _told(name), source.open("rb") as local, self._files.open_output_stream(self._path(name)) as remote:
            shutil.copyfileobj(local, remote, CHUNK)

    def get(self, name: str, target: Path) -> None:
        """Download an object."""
        with _told(name), self._files.open_input_stream(self._path(name)) as remote, target.open("wb") as local:
            shutil.copyfileobj(remote, local, CHUNK)

    def delete(self, prefix: str) -> None:
        """Remove every object below `prefix`."""
        for entry in self.entries(prefix):
            with _told(entry.name):
                self._files.delete_file(self._path(entry.name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{checked(name)}"


@contextmanager
def _told(name: str) -> Iterator[Any]:
    try:
        yield
    except FileNotFoundError as error:
        raise Gone(f"{name} isn't in the storage.", "Start the training again.") from error
    except OSError as error:
        said = " ".join(str(error).split())[:200]
        raise Unreachable(f"The bucket doesn't do what it should: {said}", "Check remote.storage and keys.") from error
