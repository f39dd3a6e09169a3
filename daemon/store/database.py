"""Opening the database: integrity, migrations with a backup before each, and errors made ours."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from daemon.errors import StoreBusy, StoreError

BUSY_SECONDS = 10.0
KEPT_BACKUPS = 3
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
logger = logging.getLogger("fixsmith.store")


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection in autocommit mode; transactions are opened by `transaction`."""
    with converted():
        target = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        connection = sqlite3.connect(
            target, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -512")
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
        kind = StoreBusy if "locked" in str(error) or "busy" in str(error) or "full" in str(error) else StoreError
        raise kind(f"The service's database can't be used: {error}.", _advice(str(error))) from error


def prepare(path: Path, backups: Path) -> str | None:
    """Make the database ready; return a sentence when a damaged one had to be replaced."""
    notice = _replace_damaged(path, backups) if path.exists() and not is_sound(path) else None
    with closing(connect(path)) as connection:
        migrate(connection, path, backups)
    return notice


def is_sound(path: Path) -> bool:
    """Tell whether SQLite's own check finds the file in order; raises StoreError when it can't be read at all."""
    try:
        with closing(connect(path)) as connection, converted():
            return [row[0] for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
    except StoreError as error:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
            return False
        raise


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
        if version > steps[-1][0]:
            raise StoreError(
                f"{path} was written by a newer fixsmith (schema {version}).", "Install that version again."
            )
        for number, script in steps:
            if number > version:
                if version:
                    back_up(connection, backups, f"schema-{version}")
                _apply(connection, number, script)


def _apply(connection: sqlite3.Connection, number: int, script: str) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    except sqlite3.DatabaseError:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def back_up(connection: sqlite3.Connection, backups: Path, name: str) -> Path:
    """Copy the database while it is in use; only the newest few copies are kept."""
    backups.mkdir(parents=True, exist_ok=True, mode=0o700)
    final = backups / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{name}.db"
    temporary = final.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
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


def _advice(what: str) -> str:
    if "locked" in what or "busy" in what:
        return "Another program holds it; it is tried again."
    if "full" in what or "I/O" in what:
        return "Free some disk space; it is tried again."
    return "Run `fixsmith doctor`."
