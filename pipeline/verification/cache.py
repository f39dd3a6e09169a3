"""Scans kept by content: the same scanner on the same files is asked once. No text of the code is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from pipeline.stage import write_atomically
from pipeline.verification.interface import Files, Scan, Setup

_FORM = "2"


class ScanCache:
    """Scans below a folder; without one nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> Scan | None:
        """Return what was kept under a key, None when nothing (or nothing readable) was."""
        if self._folder is None:
            return None
        try:
            return msgspec.json.decode(self._path(self._folder, key).read_bytes(), type=Scan)
        except (OSError, msgspec.DecodeError):
            return None

    def put(self, key: str, scan: Scan) -> None:
        """Keep a scan."""
        if self._folder is not None:
            path = self._path(self._folder, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, msgspec.json.encode(scan, order="sorted"))

    def _path(self, folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.json"


def scan_key(runner: str, setup: Setup, rules: str, files: Files) -> str:
    """Return the digest of all that determines a scan: scanner, version, rules, files."""
    digest = hashlib.sha256()
    for part in (_FORM, runner, setup.version, rules):
        digest.update(f"{len(part)}:{part}\0".encode())
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def digest_rules(rules: Path | None) -> str:
    """Return a digest of a file or folder of rules, empty without any."""
    if rules is None:
        return ""
    digest = hashlib.sha256()
    for path in sorted(rules.rglob("*")) if rules.is_dir() else [rules]:
        if path.is_file():
            digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()
