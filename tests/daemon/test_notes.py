"""Changed notes: the newest finished scan of each repository is learned from once more, and once only."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from config.settings import Knowledge, Settings
from daemon.notes import Notes
from daemon.store.records import NewRun, RunState


@pytest.fixture
def notes(scene, clock, tmp_path):
    one = scene()
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "shell.md").write_text("# Shell\nUse a list.\n")
    one.folder = folder
    one.settings = Settings(knowledge=Knowledge(folder=str(folder)))
    one.watched = Notes(one.store, clock, one.layout.downloads)
    return one


def finished(one, clock, key, repository="acme/shop"):
    folder = one.layout.downloads / key
    folder.mkdir(parents=True)
    (folder / "scan.sarif").write_text(key)
    one.store.queue.add(NewRun(key, "test", repository, "main", "c" * 40, str(folder), clock.now()), clock.now())
    run = one.store.queue.due(clock.now())
    assert one.store.queue.lease(run, "token", True, clock.now(), clock.now() + 60)
    assert one.store.queue.finish(run, "token", RunState.DONE, "", None, clock.now())
    clock.pass_by(60)


def changed(one, clock):
    (one.folder / "more.md").write_text("# More\nNever trust it.\n")
    one.watched.step(one.settings)
    clock.pass_by(10)
    one.watched.step(one.settings)
    return one.store.queue.in_state(RunState.QUEUED)


def test_changed_notes_queue_the_newest_run_of_each_repository_once(notes, clock):
    for key in ("old", "new"):
        finished(notes, clock, key)
    finished(notes, clock, "other", "acme/other")
    notes.watched.step(notes.settings)
    assert not notes.store.queue.in_state(RunState.QUEUED)
    queued = changed(notes, clock)
    assert {(run.repository, (Path(run.folder) / "scan.sarif").read_text()) for run in queued} == {
        ("acme/shop", "new"), ("acme/other", "other"),
    }  # fmt: skip
    for _ in range(3):
        clock.pass_by(60)
        notes.watched.step(notes.settings)
    again = Notes(notes.store, clock, notes.layout.downloads)
    again.step(notes.settings)
    assert notes.store.queue.in_state(RunState.QUEUED) == queued


def test_notes_still_being_written_are_waited_for(notes, clock):
    finished(notes, clock, "only")
    notes.watched.step(notes.settings)
    for size in range(1, 5):
        (notes.folder / "more.md").write_text("x" * size)
        assert notes.watched.step(notes.settings) == notes.settings.daemon.drop_settle_seconds
        clock.pass_by(3)
    assert not notes.store.queue.in_state(RunState.QUEUED)


def test_a_crash_before_the_change_is_noted_queues_nothing_twice(notes, clock, monkeypatch):
    finished(notes, clock, "only")
    notes.watched.step(notes.settings)
    with monkeypatch.context() as cut:

        def crash(*_):
            raise KeyboardInterrupt

        cut.setattr(notes.store, "note", crash)
        with pytest.raises(KeyboardInterrupt):
            changed(notes, clock)
    restarted = Notes(notes.store, clock, notes.layout.downloads)
    restarted.step(notes.settings)
    clock.pass_by(10)
    restarted.step(notes.settings)
    assert len(notes.store.queue.in_state(RunState.QUEUED)) == 1


def test_without_a_folder_nothing_is_looked_at(notes):
    off = msgspec.structs.replace(notes.settings, knowledge=Knowledge())
    assert notes.watched.step(off) is None
    assert notes.store.fact("notes", str) is None
