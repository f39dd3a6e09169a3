"""The store: one connection with the ledger, the queue and the facts on it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from daemon.errors import StoreError
from daemon.store.database import check_version, connect, converted, transaction
from daemon.store.ledger import Ledger
from daemon.store.queue import Queue

T = TypeVar("T")


class Fact(msgspec.Struct, frozen=True):
    """Something the service noted about itself, and when."""

    value: Any
    at: float


class Store:
    """The service's memory. A thread opens its own; processes share the file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.ledger = Ledger(connection)
        self.queue = Queue(connection)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Store:
        """Open the store; raises StoreError when it can't be used, or wasn't brought up to date by the service yet."""
        connection = connect(path, read_only=read_only)
        try:
            check_version(connection, path)
        except StoreError:
            connection.close()
            raise
        return cls(connection)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def note(self, name: str, value: Any, now: float) -> None:
        """Note a fact (JSON-ready), replacing the one of that name."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO facts (name, value, at) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at",
                (name, msgspec.json.encode(value).decode(), now),
            )

    def fact(self, name: str, kind: type[T]) -> T | None:
        """Return a fact's value, None when there is none."""
        found = self.fact_at(name)
        return None if found is None else msgspec.convert(found.value, kind)

    def fact_at(self, name: str) -> Fact | None:
        """Return a fact and when it was noted."""
        with converted():
            row = self.connection.execute("SELECT value, at FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else Fact(msgspec.json.decode(row["value"]), row["at"])

    def forget(self, name: str) -> None:
        """Drop a fact."""
        with transaction(self.connection):
            self.connection.execute("DELETE FROM facts WHERE name = ?", (name,))
