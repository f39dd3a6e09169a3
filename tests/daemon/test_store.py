import sqlite3
import string
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.errors import StoreError
from daemon.store import database
from daemon.store.database import back_up, connect, is_sound, migrate, prepare
from daemon.store.records import NewRun, RunState, WorkflowRun, WorkflowRunState
from daemon.store.store import Store
from pipeline.stage import Progress


@pytest.fixture
def path(tmp_path):
    prepare(tmp_path / "state.db", tmp_path / "backups")
    return tmp_path / "state.db"


@pytest.fixture
def store(path):
    opened = Store.open(path)
    yield opened
    opened.close()


def new(key="k", ordinal=1.0, repository="a/b"):
    return NewRun(key, "github", repository, "main", "sha", "/folder", ordinal)


def test_a_key_is_queued_once_for_ever(store):
    assert store.queue.add(new(), 1.0)
    assert not store.queue.add(new(), 2.0)
    run = store.queue.due(5.0)
    assert store.queue.lease(run, "t", True, 5.0, 10.0)
    assert store.queue.finish(run, "t", RunState.DONE, "", None, 6.0)
    assert not store.queue.add(new(), 7.0)
    assert store.queue.due(100.0) is None


def test_only_one_of_two_can_lease_a_run(path, store):
    store.queue.add(new(), 1.0)
    other = Store.open(path)
    run = store.queue.due(1.0)
    assert [one.queue.lease(run, token, True, 1.0, 2.0) for one, token in ((store, "a"), (other, "b"))] == [True, False]
    other.close()


def test_who_lost_the_lease_can_not_finish(store):
    store.queue.add(new(), 1.0)
    run = store.queue.due(1.0)
    store.queue.lease(run, "a", True, 1.0, 2.0)
    assert store.queue.put_back(run, "a", 0.0, "", interrupted=True)
    store.queue.lease(run, "b", True, 3.0, 4.0)
    assert not store.queue.finish(run, "a", RunState.DONE, "", None, 5.0)
    assert not store.queue.beat(run.id, "a", 9.0)
    assert store.queue.finish(run, "b", RunState.DONE, "", None, 5.0)
    assert not store.queue.finish(run, "b", RunState.DONE, "", None, 6.0)


def test_a_run_in_back_off_does_not_block_the_next(store):
    store.queue.add(new("old", 1.0), 1.0)
    store.queue.add(new("young", 2.0), 1.0)
    old = store.queue.due(1.0)
    store.queue.lease(old, "t", True, 1.0, 2.0)
    store.queue.put_back(old, "t", 100.0, "it failed", failed=True)
    assert store.queue.due(50.0).key == "young"
    assert store.queue.due(100.0).key == "old"
    assert store.queue.get(old.id).attempts == 1


def test_a_stage_keeps_its_beginning_while_it_goes_on(store):
    store.queue.add(new(), 1.0)
    for at, stage in ((10.0, "parse"), (20.0, "parse"), (30.0, "mine")):
        store.queue.progress(1, Progress(stage=stage, message="m", done=1, total=2), at)
        found = store.queue.progress_of(1)
        assert (found.stage, found.stage_since) == ((stage, 10.0) if at < 30 else ("mine", 30.0))


def test_a_settled_line_of_the_ledger_is_not_opened_again(store):
    line = WorkflowRun(1, 2, 1, "a/b", "w", "push", "main", "sha", 1.0, 1.0, WorkflowRunState.CANDIDATE)
    store.ledger.enter([line])
    store.ledger.queue(line, new(line.key), 2.0)
    store.ledger.enter([line])
    assert store.ledger.workflow_run(1, 2, 1).state == WorkflowRunState.QUEUED


def test_retry_is_for_parked_runs(store):
    store.queue.add(new(), 1.0)
    assert not store.queue.retry(1)
    run = store.queue.due(1.0)
    store.queue.lease(run, "t", True, 1.0, 2.0)
    store.queue.finish(run, "t", RunState.PARKED, "why", None, 2.0)
    assert store.queue.retry(1)
    assert store.queue.due(3.0).attempts == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["add", "lease", "fail", "interrupt", "finish", "crash"]), max_size=40))
def test_whatever_happens_each_run_finishes_at_most_once_and_none_is_lost(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("store")
    prepare(folder / "state.db", folder / "backups")
    store = Store.open(folder / "state.db")
    added, finished, leased = 0, 0, {}
    for number, step in enumerate(steps):
        if step == "add":
            added += store.queue.add(new(f"k{number}", number), number)
        elif step == "lease" and (run := store.queue.due(1e9)):
            leased[run.id] = (run, f"t{number}")
            store.queue.lease(run, f"t{number}", True, number, number)
        elif step == "crash":
            store.close()
            store = Store.open(folder / "state.db")
            for run in store.queue.in_state(RunState.RUNNING):
                store.queue.put_back(run, run.token, 0.0, "crash", interrupted=True)
        elif leased and step != "lease":
            _, (run, token) = leased.popitem()
            if step == "finish":
                finished += store.queue.finish(run, token, RunState.DONE, "", None, number)
            else:
                store.queue.put_back(run, token, 0.0, step, failed=step == "fail")
    counts = store.queue.counts()
    store.close()
    assert sum(counts.values()) == added
    assert counts.get("done", 0) == finished


@given(
    st.text(string.printable, max_size=50), st.integers(), st.none() | st.floats(allow_nan=False, allow_infinity=False)
)
@settings(max_examples=50, deadline=None)
def test_a_fact_comes_back_as_it_was_noted(tmp_path_factory, text, number, real):
    folder = tmp_path_factory.mktemp("facts")
    prepare(folder / "s.db", folder)
    store = Store.open(folder / "s.db")
    value = {"text": text, "number": number % 2**53, "real": real, "list": [text]}
    store.note("fact", value, 1.0)
    assert store.fact_at("fact").value == value
    store.close()


def test_a_migration_leaves_a_backup_of_what_was_before(path, tmp_path, monkeypatch):
    newest = database.migrations()[-1][0]
    steps = [*database.migrations(), (newest + 1, "CREATE TABLE more (x INTEGER) STRICT;")]
    monkeypatch.setattr(database, "migrations", lambda: steps)
    with closing(connect(path)) as connection:
        migrate(connection, path, tmp_path / "backups")
        assert connection.execute("PRAGMA user_version").fetchone()[0] == newest + 1
    assert [one.name.split("-", 1)[1] for one in (tmp_path / "backups").glob("*.db")] == [f"schema-{newest}.db"]


def test_a_database_of_the_first_schema_keeps_its_runs_through_the_migrations(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(database.migrations()[0][1] + "PRAGMA user_version = 1;")
        connection.executemany(
            "INSERT INTO runs (key, origin, folder, ordinal, state, created_at) VALUES (?, 'drop', '/f', 1, ?, 1)",
            [("waits", "queued"), ("ended", "done")],
        )
        connection.commit()
    with pytest.raises(StoreError, match="older fixsmith"):
        Store.open(path)
    prepare(path, tmp_path / "backups")
    store = Store.open(path)
    runs = {run.key: (run.state, run.prepared) for run in store.queue.in_state(*RunState)}
    store.close()
    assert runs == {"waits": (RunState.QUEUED, False), "ended": (RunState.DONE, True)}


def test_a_database_from_before_two_githubs_learns_the_address_from_its_last_request(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        for number, script in database.migrations()[:2]:
            connection.executescript(f"{script} PRAGMA user_version = {number};")
        connection.executemany(
            "INSERT INTO repositories (name, id, watched_since) VALUES (?, ?, 1)", [("a/b", 7), ("a/never-asked", 8)]
        )
        url = "https://git.example/api/v3/repos/a/b/actions/runs?branch=main"
        connection.execute("INSERT INTO etags (url, token, etag) VALUES (?, 't', 'e')", (url,))
        connection.commit()
    prepare(path, tmp_path / "backups")
    store = Store.open(path)
    found = [(one.id, one.number, one.address) for one in store.ledger.repositories()]
    store.ledger.pin("a/renamed", 7, "https://git.example/api/v3", 2.0)
    store.ledger.pin("elsewhere/c", 7, "https://api.github.com", 2.0)
    store.ledger.pin("elsewhere/d", 8, "https://api.github.com", 2.0)
    ids = {one.name: one.id for one in store.ledger.repositories()}
    store.close()
    assert sorted(found) == [(7, 7, "https://git.example/api/v3"), (8, 8, "")]
    assert ids == {"a/b": 7, "a/renamed": 7, "elsewhere/c": -1, "elsewhere/d": -2, "a/never-asked": 8}


def test_a_migration_that_fails_changes_nothing(path, tmp_path, monkeypatch):
    newest = database.migrations()[-1][0]
    steps = [
        *database.migrations(),
        (newest + 1, "CREATE TABLE more (x INTEGER) STRICT; CREATE TABLE runs (y INTEGER);"),
    ]
    monkeypatch.setattr(database, "migrations", lambda: steps)
    with closing(connect(path)) as connection:
        with pytest.raises(StoreError):
            migrate(connection, path, tmp_path / "backups")
        assert connection.execute("PRAGMA user_version").fetchone()[0] == newest
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'more'").fetchall()


def test_a_newer_schema_is_refused(path, tmp_path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer fixsmith"):
        prepare(path, tmp_path / "backups")


def test_a_damaged_database_is_set_aside_and_the_newest_backup_used(path, tmp_path):
    store = Store.open(path)
    store.queue.add(new(), 1.0)
    back_up(store.connection, tmp_path / "backups", "daily")
    store.close()
    path.write_bytes(b"this is no database" * 500)
    notice = prepare(path, tmp_path / "backups")
    assert "took its place" in notice
    assert list(tmp_path.glob("state.db.damaged-*"))
    again = Store.open(path)
    assert again.queue.due(9.0).key == "k"
    again.close()


def test_a_database_that_cannot_be_opened_is_not_called_damaged(tmp_path):
    """It would be set aside, and all that the service knows with it."""
    path = tmp_path / "state.db"
    path.mkdir()
    with pytest.raises(StoreError, match="unable to open"):
        prepare(path, tmp_path / "backups")
    assert path.is_dir() and not list(tmp_path.glob("*damaged*"))


def test_damage_in_the_middle_is_noticed(path):
    store = Store.open(path)
    for number in range(400):
        store.queue.add(new(f"k{number}" + "x" * 200), 1.0)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8000] = b"\xff" * 8000
    path.write_bytes(content)
    assert not is_sound(path)


def test_only_a_few_backups_are_kept(store, tmp_path, monkeypatch):
    for number in range(6):
        monkeypatch.setattr(database.time, "strftime", lambda *_, n=number: f"2025010{n}T000000")
        back_up(store.connection, tmp_path / "backups", "daily")
    assert len(list((tmp_path / "backups").glob("*.db"))) == 3


def test_downloads_of_old_runs_are_expendable_and_the_newest_are_not(store):
    for number in range(8):
        store.queue.add(new(f"k{number}", number), 1.0)
        run = store.queue.due(1.0)
        store.queue.lease(run, "t", True, 1.0, 2.0)
        store.queue.finish(run, "t", RunState.DONE, "", None, float(number))
    assert sorted(run.key for run in store.queue.expendable(5, 100.0)) == ["k0", "k1", "k2"]
    assert [run.key for run in store.queue.expendable(5, 1.5)] == ["k1", "k0"]
