# ruff: noqa: S608 -- statements are put together from column names and question marks alone
"""What was seen at GitHub: repositories, workflow runs, artifacts, and the ETags of unchanged answers."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from daemon.store.database import converted, transaction
from daemon.store.records import Artifact, ArtifactState, NewRun, Repository, WorkflowRun, WorkflowRunState

RUN_COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(WorkflowRun))
ARTIFACT_COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Artifact))
REPOSITORY_COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Repository))
DAY = 86_400.0
R = TypeVar("R")
SETTLED = ("queued", "refused", "empty", "expired", "parked")


class ETag(msgspec.Struct, frozen=True):
    """An answer's version: for which URL and which token (its digest, never itself)."""

    url: str
    token: str
    value: str


class Ledger:
    """The ledger of workflow runs; every method is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def repository(self, name: str) -> Repository | None:
        """Return what is known of a watched repository."""
        rows = self._rows(f"SELECT {REPOSITORY_COLUMNS} FROM repositories WHERE name = ?", name)
        return record_of(rows[0], Repository) if rows else None

    def repositories(self) -> list[Repository]:
        """Return every repository that was ever watched."""
        return [record_of(row, Repository) for row in self._rows(f"SELECT {REPOSITORY_COLUMNS} FROM repositories")]

    def pin(self, name: str, number: int, address: str, now: float) -> None:
        """Remember a repository's number at the GitHub of this address; a renamed one keeps its place in the ledger."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO repositories (name, id, number, address, watched_since) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET id = excluded.id, number = excluded.number, "
                "address = excluded.address, problem = NULL, failures = 0",
                (name, self._place(name, number, address), number, address, now),
            )

    def _place(self, name: str, number: int, address: str) -> int:
        """Return the repository's `id`: the one it has, else its number, else one that no GitHub gives."""
        rows = self._rows(
            "SELECT id, name = ? AND address = '' AS own, address FROM repositories WHERE number = ? AND id <> 0",
            name,
            number,
        )
        for row in rows:
            if row["address"] == address or row["own"]:
                return int(row["id"])
        return number if not rows else int(self._rows("SELECT min(0, min(id)) - 1 AS id FROM repositories")[0]["id"])

    def polled(
        self, name: str, now: float, next_at: float, runs: Iterable[WorkflowRun], *, swept: bool, etag: ETag | None
    ) -> None:
        """Record a look at a repository: its runs, then the cursors, in one step."""
        with transaction(self.connection):
            for run in runs:
                self._upsert(run)
            if etag is not None:
                self._remember(etag)
            self.connection.execute(
                "UPDATE repositories SET polled_at = ?, next_poll_at = ?, failures = 0, problem = NULL, "
                "swept_at = CASE WHEN ? THEN ? ELSE swept_at END WHERE name = ?",
                (now, next_at, swept, now, name),
            )

    def enter(self, runs: Iterable[WorkflowRun]) -> None:
        """Enter workflow runs; those that are settled stay as they are."""
        with transaction(self.connection):
            for run in runs:
                self._upsert(run)

    def poll_failed(self, name: str, now: float, wait: float, problem: str) -> None:
        """Record that looking failed and in how many seconds to look again; one never seen has the number 0."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO repositories (name, id, watched_since, next_poll_at, failures, problem) "
                "VALUES (?, 0, ?, ?, 1, ?) ON CONFLICT (name) DO UPDATE SET next_poll_at = excluded.next_poll_at, "
                "failures = failures + 1, problem = excluded.problem",
                (name, now, now + wait, problem),
            )

    def etag(self, url: str, token: str) -> str | None:
        """Return the ETag of the last answer to this URL with this token."""
        rows = self._rows("SELECT etag FROM etags WHERE url = ? AND token = ?", url, token)
        return str(rows[0]["etag"]) if rows else None

    def remember_etag(self, etag: ETag) -> None:
        """Remember an answer's ETag; call it after the answer took effect."""
        with transaction(self.connection):
            self._remember(etag)

    def workflow_run(self, repository_id: int, number: int, attempt: int) -> WorkflowRun | None:
        """Return a line of the ledger."""
        rows = self._rows(
            f"SELECT {RUN_COLUMNS} FROM workflow_runs WHERE repository_id = ? AND id = ? AND attempt = ?",
            repository_id,
            number,
            attempt,
        )
        return record_of(rows[0], WorkflowRun) if rows else None

    def known(self, repository_id: int) -> dict[tuple[int, int], WorkflowRunState]:
        """Return the state of every workflow run of a repository, by number and attempt."""
        rows = self._rows("SELECT id, attempt, state FROM workflow_runs WHERE repository_id = ?", repository_id)
        return {(row["id"], row["attempt"]): WorkflowRunState(row["state"]) for row in rows}

    def oldest_going(self, repository_id: int) -> float | None:
        """Return when the oldest unfinished workflow run was created."""
        rows = self._rows(
            "SELECT min(created_at) AS at FROM workflow_runs WHERE repository_id = ? AND state = 'going'",
            repository_id,
        )
        return None if rows[0]["at"] is None else float(rows[0]["at"])

    def newest(self, repository_id: int) -> float | None:
        """Return when the newest workflow run in the ledger was created."""
        rows = self._rows("SELECT max(created_at) AS at FROM workflow_runs WHERE repository_id = ?", repository_id)
        return None if rows[0]["at"] is None else float(rows[0]["at"])

    def due(
        self, states: tuple[WorkflowRunState, ...], names: tuple[str, ...], now: float, longest: float = DAY
    ) -> list[WorkflowRun]:
        """Return these repositories' workflow runs in these states whose time has come, oldest first.

        A time further off than the `longest` wait was set by a clock that was wrong: it has come, too.
        """
        rows = self._rows(
            f"SELECT {RUN_COLUMNS} FROM workflow_runs WHERE state IN ({marks(states)}) "
            f"AND repository IN ({marks(names)}) AND next_at NOT BETWEEN ? AND ? ORDER BY created_at, id, attempt",
            *states,
            *names,
            math.nextafter(now, math.inf),
            now + longest,
        )
        return [record_of(row, WorkflowRun) for row in rows]

    def next_due(self, states: tuple[WorkflowRunState, ...], names: tuple[str, ...]) -> float | None:
        """Return when the next of these repositories' workflow runs in these states is due."""
        rows = self._rows(
            f"SELECT min(next_at) AS at FROM workflow_runs WHERE state IN ({marks(states)}) "
            f"AND repository IN ({marks(names)})",
            *states,
            *names,
        )
        return None if rows[0]["at"] is None else float(rows[0]["at"])

    def settle(self, run: WorkflowRun, state: WorkflowRunState, reason: str = "", next_at: float = 0.0) -> None:
        """Move a workflow run to another state; its failures are forgotten."""
        with transaction(self.connection):
            self._move(run, state, reason, next_at)

    def retry(self, number: int) -> bool:
        """Have a parked workflow run fetched again, as if it had never failed."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                "UPDATE workflow_runs SET state = 'candidate', next_at = 0, failures = 0, reason = '' "
                "WHERE id = ? AND state = 'parked'",
                (number,),
            )
            return cursor.rowcount > 0

    def failed(self, run: WorkflowRun, next_at: float, reason: str) -> None:
        """Record a failure in dealing with a workflow run and when to try again."""
        with transaction(self.connection):
            self.connection.execute(
                "UPDATE workflow_runs SET next_at = ?, failures = failures + 1, reason = ? "
                "WHERE repository_id = ? AND id = ? AND attempt = ?",
                (next_at, reason, run.repository_id, run.id, run.attempt),
            )

    def postpone(self, run: WorkflowRun, next_at: float, reason: str) -> None:
        """Look at a workflow run again later, through no fault of its own."""
        with transaction(self.connection):
            self.connection.execute(
                "UPDATE workflow_runs SET next_at = ?, reason = ? WHERE repository_id = ? AND id = ? AND attempt = ?",
                (next_at, reason, run.repository_id, run.id, run.attempt),
            )

    def wanted(self, artifacts: Iterable[Artifact]) -> None:
        """Record the artifacts of a workflow run; those known keep their state."""
        with transaction(self.connection):
            self.connection.executemany(
                f"INSERT INTO artifacts ({ARTIFACT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                [msgspec.structs.astuple(artifact) for artifact in artifacts],
            )

    def artifacts(self, run: WorkflowRun) -> list[Artifact]:
        """Return the artifacts of a workflow run, by number."""
        rows = self._rows(
            f"SELECT {ARTIFACT_COLUMNS} FROM artifacts "
            "WHERE repository_id = ? AND workflow_run_id = ? AND attempt = ? ORDER BY id",
            run.repository_id,
            run.id,
            run.attempt,
        )
        return [record_of(row, Artifact) for row in rows]

    def artifact(self, artifact: Artifact, state: ArtifactState, reason: str = "", path: str | None = None) -> None:
        """Record what became of an artifact."""
        with transaction(self.connection):
            self.connection.execute(
                "UPDATE artifacts SET state = ?, reason = ?, path = ? "
                "WHERE repository_id = ? AND workflow_run_id = ? AND attempt = ? AND id = ?",
                (state, reason, path, artifact.repository_id, artifact.workflow_run_id, artifact.attempt, artifact.id),
            )

    def queue(self, run: WorkflowRun, new: NewRun, now: float) -> None:
        """Put a run into the queue and close its line of the ledger, in one step."""
        with transaction(self.connection):
            insert_run(self.connection, new, now)
            self._move(run, WorkflowRunState.QUEUED, "", 0.0)

    def counts(self) -> dict[str, int]:
        """Return how many workflow runs stand in each state."""
        rows = self._rows("SELECT state, count(*) AS n FROM workflow_runs GROUP BY state")
        return {row["state"]: row["n"] for row in rows}

    def recent(self, states: tuple[WorkflowRunState, ...], limit: int) -> list[WorkflowRun]:
        """Return the newest workflow runs in these states."""
        rows = self._rows(
            f"SELECT {RUN_COLUMNS} FROM workflow_runs WHERE state IN ({marks(states)}) "
            "ORDER BY created_at DESC LIMIT ?",
            *states,
            limit,
        )
        return [record_of(row, WorkflowRun) for row in rows]

    def forget(self, before: float) -> None:
        """Drop settled lines of workflow runs created before a time at which GitHub has dropped them too."""
        with transaction(self.connection):
            self.connection.execute(
                f"DELETE FROM artifacts WHERE (repository_id, workflow_run_id, attempt) IN (SELECT repository_id, id, "
                f"attempt FROM workflow_runs WHERE created_at < ? AND state IN ({marks(SETTLED)}))",
                (before, *SETTLED),
            )
            self.connection.execute(
                f"DELETE FROM workflow_runs WHERE created_at < ? AND state IN ({marks(SETTLED)})", (before, *SETTLED)
            )

    def _upsert(self, run: WorkflowRun) -> None:
        """Insert a workflow run; one that was going moves on, a settled one stays as it is."""
        self.connection.execute(
            f"INSERT INTO workflow_runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (repository_id, id, attempt) DO UPDATE SET state = excluded.state, "
            "reason = excluded.reason, updated_at = excluded.updated_at, next_at = excluded.next_at "
            "WHERE workflow_runs.state = 'going'",
            msgspec.structs.astuple(run),
        )

    def _move(self, run: WorkflowRun, state: WorkflowRunState, reason: str, next_at: float) -> None:
        self.connection.execute(
            "UPDATE workflow_runs SET state = ?, reason = ?, next_at = ?, failures = 0 "
            "WHERE repository_id = ? AND id = ? AND attempt = ?",
            (state, reason, next_at, run.repository_id, run.id, run.attempt),
        )

    def _remember(self, etag: ETag) -> None:
        self.connection.execute(
            "INSERT INTO etags (url, token, etag) VALUES (?, ?, ?) "
            "ON CONFLICT (url, token) DO UPDATE SET etag = excluded.etag",
            (etag.url, etag.token, etag.value),
        )

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with converted():
            return self.connection.execute(statement, values).fetchall()


def insert_run(connection: sqlite3.Connection, new: NewRun, now: float) -> bool:
    """Insert a run inside the caller's transaction; False when its key is there already."""
    cursor = connection.execute(
        "INSERT INTO runs (key, origin, repository, branch, commit_sha, folder, ordinal, state, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?) ON CONFLICT (key) DO NOTHING",
        (*msgspec.structs.astuple(new), now),
    )
    return cursor.rowcount == 1


def marks(values: tuple[object, ...]) -> str:
    """Return a question mark for each value."""
    return ", ".join("?" for _ in values)


def record_of(row: sqlite3.Row, kind: type[R]) -> R:
    """Return a row as the record whose fields have its columns' names."""
    return msgspec.convert(dict(row), kind, strict=False)
