"""An embedder that computes each text once on this machine, for all workspaces."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.knowledge.damage import told
from pipeline.knowledge.embedding import Embedder

if TYPE_CHECKING:
    from pipeline.knowledge.embedding import Matrix

_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (text TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
_AT_ONCE = 128


class Remembering:
    """Wraps an embedder; vectors are kept in a file by the SHA-256 of model and text, never the text."""

    def __init__(self, inner: Embedder, path: Path) -> None:
        self._inner = inner
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with told(path, "file of vectors"):
            self._connection = sqlite3.connect(path, timeout=60)
            self._connection.execute(_SCHEMA)

    @property
    def digest(self) -> str:
        """Return what identifies the model inside."""
        return self._inner.digest

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return a row for each text; those not seen before are computed, and kept batch by batch."""
        with told(self._path, "file of vectors"):
            return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        import numpy

        names = [self._name(text) for text in texts]
        known = self._known(set(names))
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
        ordered = sorted(missing.items(), key=lambda pair: (len(pair[1]), pair[0]))
        for first in range(0, len(ordered), _AT_ONCE):
            batch = ordered[first : first + _AT_ONCE]
            vectors = self._inner.embed([text for _, text in batch])
            rows = [(name, vector.tobytes()) for (name, _), vector in zip(batch, vectors, strict=True)]
            with self._connection:
                self._connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
            known.update(rows)
        joined = b"".join(known[name] for name in names)
        return numpy.frombuffer(joined, dtype=numpy.float32).reshape(len(names), -1 if names else 0)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _known(self, names: set[str]) -> dict[str, bytes]:
        found = {}
        for name in sorted(names):
            row = self._connection.execute("SELECT vector FROM vectors WHERE text = ?", (name,)).fetchone()
            if row is not None:
                found[name] = bytes(row[0])
        return found

    def _name(self, text: str) -> str:
        return hashlib.sha256(f"{self.digest}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
