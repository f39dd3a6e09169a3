"""The index of the knowledge base: one SQLite file with words (FTS5), vectors and exact keys.

`synchronise` makes it hold exactly the given entries: what is new is added, what is gone is
removed, what is unchanged is kept; a vector is computed once for each text and model. Another
model or layout empties it first. Ranks depend on the entries alone, not on how they came in.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from pipeline.knowledge.damage import told
from pipeline.knowledge.embedding import Embedder
from pipeline.knowledge.interface import LAYOUT, Entry

if TYPE_CHECKING:
    from pipeline.knowledge.embedding import Matrix

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
  number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, digest TEXT NOT NULL,
  meaning TEXT NOT NULL, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (key TEXT NOT NULL, number INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_key ON keys (key);
CREATE INDEX IF NOT EXISTS by_number ON keys (number);
CREATE TABLE IF NOT EXISTS vectors (meaning TEXT PRIMARY KEY, vector BLOB NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (title, summary, body, tokenize='porter unicode61');
"""
_TABLES = ("facts", "entries", "keys", "vectors", "words")
_AT_ONCE = 256
_DECODER = msgspec.msgpack.Decoder(Entry)


class Store:
    """An index file; `embedder` None means words and keys only."""

    def __init__(self, path: Path, embedder: Embedder | None) -> None:
        self.path = path
        self._embedder = embedder
        path.parent.mkdir(parents=True, exist_ok=True)
        with told(path):
            self._connection = sqlite3.connect(path)
            self._connection.executescript(_SCHEMA)
            self._require_same_model()

    def synchronise(self, entries: Sequence[Entry], progress: Callable[[int, int], None] | None = None) -> int:
        """Make the index hold exactly `entries`; return how many were added or changed."""
        wanted = {entry.passage.id: (digest, entry) for entry in entries for digest in (_digest(entry),)}
        held = dict(self._connection.execute("SELECT id, digest FROM entries"))
        gone = [name for name, digest in held.items() if name not in wanted or wanted[name][0] != digest]
        new = [pair for name, pair in sorted(wanted.items()) if held.get(name) != pair[0]]
        with self._connection:
            self._remove(gone)
            self._add(new)
        self._embed_missing(progress)
        return len(new)

    def count(self) -> int:
        """Return how many entries there are."""
        return int(self._connection.execute("SELECT count(*) FROM entries").fetchone()[0])

    def lookup(self, keys: Iterable[str]) -> list[Entry]:
        """Return the entries with any of the keys, in the order of the keys, then of ids."""
        found: dict[str, Entry] = {}
        for key in keys:
            rows = self._connection.execute(
                "SELECT entry FROM keys JOIN entries USING (number) WHERE key = ? ORDER BY id", (key,)
            )
            for (blob,) in rows:
                entry = _DECODER.decode(blob)
                found.setdefault(entry.passage.id, entry)
        return list(found.values())

    def entries(self) -> list[Entry]:
        """Return all entries, in order of id: the row order of `matrix`."""
        return [_DECODER.decode(blob) for (blob,) in self._connection.execute("SELECT entry FROM entries ORDER BY id")]

    def matrix(self) -> Matrix | None:
        """Return all vectors, a row an entry in order of id; None without an embedder or without entries."""
        count = self.count()
        if self._embedder is None or count == 0:
            return None
        import numpy

        rows = self._connection.execute("SELECT vector FROM entries JOIN vectors USING (meaning) ORDER BY id")
        joined = b"".join(blob for (blob,) in rows)
        return numpy.frombuffer(joined, dtype=numpy.float32).reshape(count, -1)

    def words(self, query: str, weights: tuple[float, float, float], limit: int) -> list[tuple[str, float]]:
        """Return (id, score) of the entries that share words with an FTS5 query, best first."""
        rows = self._connection.execute(
            "SELECT round(-bm25(words, ?, ?, ?), 6), rowid FROM words WHERE words MATCH ?", (*weights, query)
        ).fetchall()
        bound = min((score for score, _ in nlargest(limit, rows)), default=0.0)
        found = [(self._name(number), float(score)) for score, number in rows if score >= bound]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _name(self, number: int) -> str:
        row = self._connection.execute("SELECT id FROM entries WHERE number = ?", (number,)).fetchone()
        return str(row[0])

    def _require_same_model(self) -> None:
        stamp = f"{LAYOUT}:{self._embedder.digest if self._embedder else 'none'}"
        row = self._connection.execute("SELECT value FROM facts WHERE name = 'stamp'").fetchone()
        if row is not None and row[0] == stamp:
            return
        with self._connection:
            for table in _TABLES:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            self._connection.execute("INSERT INTO facts VALUES ('stamp', ?)", (stamp,))

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            (number,) = self._connection.execute("SELECT number FROM entries WHERE id = ?", (name,)).fetchone()
            self._connection.execute("DELETE FROM words WHERE rowid = ?", (number,))
            self._connection.execute("DELETE FROM keys WHERE number = ?", (number,))
            self._connection.execute("DELETE FROM entries WHERE number = ?", (number,))

    def _add(self, new: Sequence[tuple[str, Entry]]) -> None:
        for digest, entry in new:
            number = self._connection.execute(
                "INSERT INTO entries (id, digest, meaning, entry) VALUES (?, ?, ?, ?)",
                (entry.passage.id, digest, _meaning(entry), msgspec.msgpack.encode(entry)),
            ).lastrowid
            self._connection.executemany("INSERT INTO keys VALUES (?, ?)", [(key, number) for key in entry.keys])
            self._connection.execute(
                "INSERT INTO words (rowid, title, summary, body) VALUES (?, ?, ?, ?)",
                (number, entry.title, entry.summary, entry.body),
            )

    def _embed_missing(self, progress: Callable[[int, int], None] | None) -> None:
        """Compute vectors of texts that have none; each batch is kept, so that a kill loses little."""
        if self._embedder is None:
            return
        rows = self._connection.execute(
            "SELECT meaning, min(entry) FROM entries WHERE meaning NOT IN (SELECT meaning FROM vectors) "
            "GROUP BY meaning ORDER BY meaning"
        ).fetchall()
        texts = sorted(
            ((_DECODER.decode(blob).meaning, meaning) for meaning, blob in rows), key=lambda row: len(row[0])
        )
        for first in range(0, len(texts), _AT_ONCE):
            batch = texts[first : first + _AT_ONCE]
            vectors = self._embedder.embed([text for text, _ in batch])
            with self._connection:
                self._connection.executemany(
                    "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                    [(meaning, vector.tobytes()) for (_, meaning), vector in zip(batch, vectors, strict=True)],
                )
            if progress is not None:
                progress(min(first + _AT_ONCE, len(texts)), len(texts))


def _digest(entry: Entry) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(entry)).hexdigest()


def _meaning(entry: Entry) -> str:
    return hashlib.sha256(entry.meaning.encode("utf-8", "surrogatepass")).hexdigest()
