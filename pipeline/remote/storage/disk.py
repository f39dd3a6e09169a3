"""Storage on the worker's own disk, reached over ssh: `ssh://HOST/absolute/folder`."""

from __future__ import annotations

import shlex
from pathlib import Path

from pipeline.remote.errors import Gone
from pipeline.remote.ssh import MISSING, Ssh
from pipeline.remote.storage.interface import CHUNK, LONGEST_FILE, Entry, checked

_MOVE_SECONDS = 6 * 3600.0


class DiskStorage:
    """Files below a folder of another machine."""

    def __init__(self, ssh: Ssh, root: str) -> None:
        self._ssh = ssh
        self._root = root.rstrip("/")

    def entries(self, prefix: str) -> list[Entry]:
        """Return the files below `prefix`."""
        root, below = shlex.quote(self._root), shlex.quote(checked(prefix))
        said = self._ssh.run(
            f"cd {root} 2>/dev/null && [ -e {below} ] || exit 0; "
            f"find {below} -type f ! -name '.*' -exec wc -c {{}} \\; 2>/dev/null || true"  # some may go meanwhile
        )
        found = []
        for line in said.decode("utf-8", "replace").splitlines():
            size, _, name = line.strip().partition(" ")
            found.append(Entry(checked(name), int(size)))
        return sorted(found)

    def read(self, name: str, start: int = 0, longest: int = CHUNK) -> bytes:
        """Return a part of a file."""
        path = self._path(name)
        there = f"[ -f {path} ] || exit {MISSING}; [ -r {path} ] || {{ echo {path} >&2; exit 1; }}"
        return self._ssh.run(f"{there}; tail -c +{start + 1} {path} | head -c {longest}")

    def write(self, name: str, content: bytes) -> None:
        """Replace a file."""
        self._ssh.run(self._receive(name), content)

    def put(self, source: Path, name: str) -> None:
        """Copy a local file there."""
        with source.open("rb") as stream:
            self._ssh.run(self._receive(name), stream, _MOVE_SECONDS)

    def get(self, name: str, target: Path) -> None:
        """Copy a file from there, no more than it has when the copy begins."""
        entry = next((one for one in self.entries(name) if one.name == name), None)
        if entry is None or entry.size > LONGEST_FILE:
            raise Gone(f"{name} isn't in the storage.", "Start the training again.")
        path = self._path(name)
        self._ssh.fetch(f"head -c {entry.size} {path}", target, entry.size)

    def delete(self, prefix: str) -> None:
        """Remove a folder or file."""
        self._ssh.run(f"rm -rf -- {self._path(prefix)}")

    def _receive(self, name: str) -> str:
        path = self._path(name)
        folder = shlex.quote(f"{self._root}/{checked(name).rpartition('/')[0]}")
        return f"mkdir -p {folder} && cat > {path}.part && mv -f {path}.part {path}"

    def _path(self, name: str) -> str:
        return shlex.quote(f"{self._root}/{checked(name)}")
