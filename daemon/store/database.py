"""Opening the database: integrity, migrations with a backup before each, and errors made ours."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from daemon.errors import StoreBusy, StoreDamaged, StoreError, StoreTooNew, on_disk

BUSY_SECONDS = 10.0
KEPT_BACKUPS = 3
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
UNWRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
logger = logging.getLogger("fixsmith.store")


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection in autocommit mode; transactions are opened by `transaction`."""
    with converted():
        if read_only:
            return _for_reading(path)
        connection = _opened(path, "mode=rwc")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -512")
        return connection


def _for_reading(path: Path) -> sqlite3.Connection:
    """Return a connection that writes nothing, also on a disk where SQLite can't put its files beside the database."""
    connection = _opened(path, "mode=ro")
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in UNWRITABLE or os.access(path.parent, os.W_OK):
            raise
        return _opened(path, "immutable=1")
    return connection


def _opened(path: Path, how: str) -> sqlite3.Connection:
    target = f"{path.absolute().as_uri()}?{how}"
    connection = sqlite3.connect(target, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of the block's writes or none; other writers wait."""
    with converted():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def converted() -> Iterator[None]:
    """Turn SQLite's exceptions into StoreError, saying what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        kind, advice = _kind(error)
        raise kind(f"The service's database can't be used: {error}.", advice) from error


def prepare(path: Path, backups: Path) -> str | None:
    """Make the database ready; return a sentence when a damaged one had to be replaced."""
    notice = _replace_damaged(path, backups) if path.exists() and not is_sound(path) else None
    with closing(connect(path)) as connection:
        migrate(connection, path, backups)
    return notice


def is_sound(path: Path, *, read_only: bool = False) -> bool:
    """Tell whether SQLite's own check finds the file in order; raises StoreError when it can't be read at all."""
    try:
        with closing(connect(path, read_only=read_only)) as connection, converted():
            return [row[0] for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
    except StoreDamaged:
        return False


def migrations() -> list[tuple[int, str]]:
    """Return the numbered steps of the schema, in order."""
    return [(int(path.name.split("_")[0]), path.read_text(encoding="utf-8")) for path in _steps()]


def _steps() -> list[Path]:
    folder = Path(__file__).resolve().parent.parent / "schema"
    return sorted(entry for entry in folder.iterdir() if entry.name.endswith(".sql"))


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError for a database that the service of this version hasn't opened yet."""
    with converted():
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _check_not_newer(version, len(_steps()), path)
    if 0 < version < len(_steps()):
        raise StoreError(
            f"{path} was written by an older fixsmith (schema {version}).",
            "Start the service again: `fixsmith stop`, then `fixsmith start`.",
        )


def migrate(connection: sqlite3.Connection, path: Path, backups: Path) -> None:
    """Bring the schema up to date, a backup before each step; a newer schema is refused."""
    with converted():
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        steps = migrations()
        _check_not_newer(version, steps[-1][0], path)
        for number, script in steps:
            if number > version:
                if version:
                    back_up(connection, backups, f"schema-{version}")
                _apply(connection, number, script)


def _check_not_newer(version: int, newest: int, path: Path) -> None:
    if version > newest:
        raise StoreTooNew(
            f"{path} was written by a newer fixsmith (schema {version}, this one knows {newest}).",
            "Install that version again, then run `fixsmith start`.",
        )


def _apply(connection: sqlite3.Connection, number: int, script: str) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    except sqlite3.DatabaseError:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def back_up(connection: sqlite3.Connection, backups: Path, name: str) -> Path:
    """Copy the database while it is in use; only the newest few copies are kept."""
    with on_disk(f"The database can't be backed up to {backups}"):
        return _backed_up(connection, backups, name)


def _backed_up(connection: sqlite3.Connection, backups: Path, name: str) -> Path:
    backups.mkdir(parents=True, exist_ok=True, mode=0o700)
    final = backups / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{name}.db"
    temporary = final.with_suffix(".tmp")
    for left in backups.glob("*.tmp"):  # by one that was killed
        left.unlink(missing_ok=True)
    with converted(), closing(sqlite3.connect(temporary)) as target:
        connection.backup(target)
    temporary.replace(final)
    for old in sorted(backups.glob("*.db"))[:-KEPT_BACKUPS]:
        old.unlink(missing_ok=True)
    return final


def _replace_damaged(path: Path, backups: Path) -> str:
    """Set a damaged database aside and put the newest sound backup, if there is one, in its place."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.replace(aside.with_name(aside.name + suffix))
    for candidate in sorted(backups.glob("*.db"), reverse=True):
        if is_sound(candidate):
            restored = path.with_name(path.name + ".restore")
            restored.write_bytes(candidate.read_bytes())
            restored.replace(path)
            return f"The database was damaged and is kept as {aside.name}; {candidate.name} took its place."
    return f"The database was damaged and is kept as {aside.name}; a new one was begun."


def _kind(error: sqlite3.DatabaseError) -> tuple[type[StoreError], str]:
    """Return what an exception of SQLite's is to us, and what to do about it."""
    what = str(error)
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
        return StoreDamaged, "Start the service again: the newest sound backup takes its place."
    if "locked" in what or "busy" in what:
        return StoreBusy, "Another program holds it; it is tried again."
    if "full" in what:
        return StoreBusy, "Free some disk space; it is tried again."
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in UNWRITABLE:
        return StoreError, "Check that its folder is yours and that the disk can be written."
    if "I/O" in what:
        return StoreError, "Free some disk space; it is tried again."
    return StoreError, "Run `fixsmith doctor`."
