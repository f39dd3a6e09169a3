# ruff: noqa: S608 -- statements are put together from column names and question marks alone
"""The queue of runs: leased, never popped, so that a run outlives whoever works on it."""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from daemon.store.database import converted, transaction
from daemon.store.ledger import DAY, insert_run, marks, record_of
from daemon.store.records import NewRun, Run, RunProgress, RunState

if TYPE_CHECKING:
    from pipeline.stage import Progress

COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Run))
FREE = "token = NULL, lease_until = NULL, process = NULL, process_started = NULL"


class Queue:
    """The runs; every method is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def add(self, new: NewRun, now: float) -> bool:
        """Put a run into the queue; False when its key was ever there."""
        with transaction(self.connection):
            return insert_run(self.connection, new, now)

    def add_dropped(self, new: NewRun, contents: dict[str, str], now: float) -> bool:
        """Put a run of dropped files into the queue and remember their digests, in one step."""
        with transaction(self.connection):
            self.connection.executemany(
                "INSERT INTO drops (digest, name, run_key, taken_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(digest, name, new.key, now) for digest, name in contents.items()],
            )
            return insert_run(self.connection, new, now)

    def was_dropped(self, digest: str) -> bool:
        """Tell whether content with this digest was taken from the drop folder before."""
        return bool(self._rows("SELECT 1 FROM drops WHERE digest = ?", digest))

    def get(self, run_id: int) -> Run | None:
        """Return a run."""
        rows = self._rows(f"SELECT {COLUMNS} FROM runs WHERE id = ?", run_id)
        return record_of(rows[0], Run) if rows else None

    def due(self, now: float, paused: tuple[str, ...] = (), longest: float = DAY) -> Run | None:
        """Return the oldest queued run whose time has come and whose repository isn't paused.

        Runs without their data sets go before those that only have to be trained. A time further off than the
        `longest` wait was set by a clock that was wrong: it has come, too.
        """
        rows = self._rows(
            f"SELECT {COLUMNS} FROM runs WHERE state = 'queued' AND not_before NOT BETWEEN ? AND ? "
            f"AND (repository IS NULL OR repository NOT IN ({marks(paused)})) ORDER BY prepared, ordinal, id LIMIT 1",
            math.nextafter(now, math.inf),
            now + longest,
            *paused,
        )
        return record_of(rows[0], Run) if rows else None

    def next_due(self, paused: tuple[str, ...] = ()) -> float | None:
        """Return when the next queued run is due."""
        rows = self._rows(
            "SELECT min(not_before) AS at FROM runs WHERE state = 'queued' "
            f"AND (repository IS NULL OR repository NOT IN ({marks(paused)}))",
            *paused,
        )
        return None if rows[0]["at"] is None else float(rows[0]["at"])

    def has_newer(self, run: Run) -> bool:
        """Tell whether a newer run of the same repository and branch has its data sets and waits for training."""
        return bool(
            self._rows(
                "SELECT 1 FROM runs WHERE state = 'queued' AND prepared = 1 AND repository = ? AND branch IS ? "
                "AND (ordinal, id) > (?, ?) LIMIT 1",
                run.repository,
                run.branch,
                run.ordinal,
                run.id,
            )
        )

    def before(self, run: Run) -> Run | None:
        """Return the newest older run of the same repository and branch that has its data sets, of another commit.

        Between two scans of one commit nobody has mended anything.
        """
        rows = self._rows(
            f"SELECT {COLUMNS} FROM runs WHERE prepared = 1 AND repository = ? AND branch IS ? "
            "AND commit_sha IS NOT ? AND (ordinal, id) < (?, ?) ORDER BY ordinal DESC, id DESC LIMIT 1",
            run.repository,
            run.branch,
            run.commit_sha,
            run.ordinal,
            run.id,
        )
        return record_of(rows[0], Run) if rows else None

    def lease(self, run: Run, token: str, fine_tuning: bool, now: float, until: float) -> bool:
        """Take a queued run; False when it isn't queued any more."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                "UPDATE runs SET state = 'running', token = ?, fine_tuning = ?, lease_until = ?, reason = '', "
                "started_at = coalesce(started_at, ?) WHERE id = ? AND state = 'queued'",
                (token, fine_tuning, until, now, run.id),
            )
            return cursor.rowcount == 1

    def started(self, run_id: int, token: str, process: int, started: str | None) -> None:
        """Record which process works on a run."""
        with transaction(self.connection):
            self.connection.execute(
                "UPDATE runs SET process = ?, process_started = ? WHERE id = ? AND token = ?",
                (process, started, run_id, token),
            )

    def prepare(self, run: Run, token: str, result: str | None) -> bool:
        """Put a run whose data sets are there back into the queue, for its training."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                f"UPDATE runs SET state = 'queued', prepared = 1, result = ?, reason = '', attempts = 0, "
                f"interruptions = 0, not_before = 0, {FREE} WHERE id = ? AND token = ? AND state = 'running'",
                (result, run.id, token),
            )
            return cursor.rowcount == 1

    def leave_untrained(self, run_id: int, reason: str, now: float) -> bool:
        """End a run with its data sets alone."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                "UPDATE runs SET state = 'done', reason = ?, finished_at = ?, fine_tuning = 0 "
                "WHERE id = ? AND prepared = 1 AND state = 'queued'",
                (reason, now, run_id),
            )
            return cursor.rowcount == 1

    def beat(self, run_id: int, token: str, until: float) -> bool:
        """Renew a lease; False when it was lost."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                "UPDATE runs SET lease_until = ? WHERE id = ? AND token = ? AND state = 'running'",
                (until, run_id, token),
            )
            return cursor.rowcount == 1

    def progress(self, run_id: int, progress: Progress, now: float) -> None:
        """Record a run's newest progress."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO progress (run_id, stage, message, done, total, stage_since, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id) DO UPDATE SET "
                "stage_since = CASE WHEN stage = excluded.stage THEN stage_since ELSE excluded.at END, "
                "stage = excluded.stage, message = excluded.message, done = excluded.done, "
                "total = excluded.total, at = excluded.at",
                (run_id, progress.stage, progress.message, progress.done, progress.total, now, now),
            )

    def progress_of(self, run_id: int) -> RunProgress | None:
        """Return a run's newest progress."""
        columns = ", ".join(field.name for field in msgspec.structs.fields(RunProgress))
        rows = self._rows(f"SELECT {columns} FROM progress WHERE run_id = ?", run_id)
        return record_of(rows[0], RunProgress) if rows else None

    def finish(self, run: Run, token: str, state: RunState, reason: str, result: str | None, now: float) -> bool:
        """End a run; True exactly once, for the holder of its lease."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                f"UPDATE runs SET state = ?, reason = ?, result = coalesce(?, result), finished_at = ?, {FREE} "
                "WHERE id = ? AND token = ? AND state = 'running'",
                (state, reason, result, now, run.id, token),
            )
            return cursor.rowcount == 1

    def put_back(
        self, run: Run, token: str, not_before: float, reason: str, *, failed: bool = False, interrupted: bool = False
    ) -> bool:
        """Put a run back into the queue; a failure or an interruption is counted."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                "UPDATE runs SET state = 'queued', not_before = ?, reason = ?, attempts = attempts + ?, "
                f"interruptions = interruptions + ?, {FREE} "
                "WHERE id = ? AND token = ? AND state = 'running'",
                (not_before, reason, failed, interrupted, run.id, token),
            )
            return cursor.rowcount == 1

    def retry(self, run_id: int) -> bool:
        """Put a parked or refused run back into the queue, as if new."""
        with transaction(self.connection):
            cursor = self.connection.execute(
                "UPDATE runs SET state = 'queued', not_before = 0, attempts = 0, interruptions = 0, reason = '', "
                "prepared = 0, finished_at = NULL WHERE id = ? AND state IN ('parked', 'refused')",
                (run_id,),
            )
            return cursor.rowcount == 1

    def in_state(self, *states: RunState, limit: int = 1000) -> list[Run]:
        """Return the runs in these states, newest first."""
        rows = self._rows(
            f"SELECT {COLUMNS} FROM runs WHERE state IN ({marks(states)}) ORDER BY ordinal DESC, id DESC LIMIT ?",
            *states,
            limit,
        )
        return [record_of(row, Run) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return how many runs stand in each state."""
        return {row["state"]: row["n"] for row in self._rows("SELECT state, count(*) AS n FROM runs GROUP BY state")}

    def expendable(self, keep: int, before: float) -> list[Run]:
        """Return finished runs whose downloads may go: all but the newest few done ones, once they are old."""
        rows = self._rows(
            f"SELECT {COLUMNS} FROM (SELECT *, row_number() OVER (PARTITION BY repository, branch, state = 'done' "
            "ORDER BY ordinal DESC, id DESC) AS place FROM runs) WHERE finished_at < ? "
            "AND state IN ('done', 'not-better', 'refused') AND (place > ? OR state <> 'done')",
            before,
            keep,
        )
        return [record_of(row, Run) for row in rows]

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with converted():
            return self.connection.execute(statement, values).fetchall()
