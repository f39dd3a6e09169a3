"""The store after a year: newer programs, full disks, damage while it is in use."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from daemon.cli import main
from daemon.errors import StoreTooNew
from daemon.housekeeping import Housekeeping
from daemon.store.database import back_up, prepare
from daemon.store.records import NewRun, RunState
from daemon.store.store import Store
from pipeline.lock import exclusive
from pipeline.publishing.registry import models
from tests.daemon.conftest import write_settings
from tests.daemon.test_service import ROOT, service  # noqa: F401 -- a fixture
from tests.publishing.test_damage import run


@pytest.fixture
def newer(tmp_path, monkeypatch):
    """A workspace whose database a newer fixsmith wrote; a person who has it in the settings."""
    config = write_settings(tmp_path / "settings.yaml", tmp_path)
    path = tmp_path / "workspace/service/state.db"
    path.parent.mkdir(parents=True)
    prepare(path, path.parent / "b")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    monkeypatch.setenv("FIXSMITH_CONFIG", str(config))
    return path


def test_status_says_why_it_knows_nothing_in_the_form_that_is_asked_for(newer, capsys):
    assert main(["status"]) == 1
    assert "written by a newer fixsmith" in " ".join(capsys.readouterr().out.split())
    assert main(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "unknown" and "written by a newer fixsmith" in found["problems"][0]
    newer.write_bytes(b"x" * 10_000)
    assert main(["status", "--json"]) == 1
    damaged = json.loads(capsys.readouterr().out)
    assert damaged.keys() == found.keys() and "backup" in damaged["problems"][0]


@pytest.mark.parametrize("words", [["retry", "1"], ["run"]])
def test_a_newer_database_is_one_sentence_whatever_is_asked(newer, capsys, words):
    assert main(words) == 2
    assert "written by a newer fixsmith (schema 99, this one knows" in capsys.readouterr().err


def test_a_newer_database_keeps_the_service_down(newer, monkeypatch):
    """Started again every half a minute for ever it would cost more than it is worth."""
    monkeypatch.setattr("daemon.notify.display", lambda *_: None)
    assert main(["run", "--quiet", "--stay-down"]) == 0
    with pytest.raises(StoreTooNew):
        Store.open(newer, read_only=True)


def test_a_backup_that_cannot_be_written_is_told_and_holds_back_nothing_else(scene, github, clock):
    from tests.daemon.conftest import REPOSITORY, zipped

    one = scene()
    intake = one.intake()
    one.layout.backups.rmdir()
    one.layout.backups.write_text("in the way")
    github.run(REPOSITORY, artifacts={"scan": zipped({"a": "b"})})
    clock.pass_by(90_000)
    woken = []
    intake._queued = lambda: woken.append(True)
    intake.step()
    assert one.store.queue.in_state(RunState.QUEUED) and woken
    [(title, text)] = one.told
    assert "daily work" in title and "can't be backed up" in text
    one.layout.backups.unlink()
    intake.step()
    assert one.store.fact_at("told:housekeeping") and not one.layout.backups.exists(), "it is tried again in an hour"
    clock.pass_by(3601)
    intake.step()
    assert list(one.layout.backups.glob("*.db"))
    assert one.store.fact_at("told:housekeeping") is None


def test_notes_that_cannot_be_taken_hold_back_nothing_else(scene, github, clock, monkeypatch):
    from config.errors import Error
    from tests.daemon.conftest import REPOSITORY, zipped

    one = scene()
    intake = one.intake()

    def broken(_):
        raise Error("The notes can't be read.", "")

    monkeypatch.setattr(intake.notes, "step", broken)
    github.run(REPOSITORY, artifacts={"scan": zipped({"a": "b"})})
    intake.step()
    assert one.store.queue.in_state(RunState.QUEUED)
    assert [title for title, _ in one.told] == ["fixsmith: The notes can't be watched"]


def test_a_backup_that_was_killed_leaves_nothing_for_long(scene):
    one = scene()
    (one.layout.backups / "20200101T000000-daily.tmp").write_text("half")
    back_up(one.store.connection, one.layout.backups, "daily")
    assert [path.suffix for path in one.layout.backups.iterdir()] == [".db"]


def test_damage_while_at_work_ends_the_service_and_the_next_one_mends_it(service, tmp_path):  # noqa: F811
    one = service(None, daemon={"drop_poll_seconds": 0.3})
    one.start()
    one.until(60, lambda: any(one.layout.backups.glob("*-daily.db")))  # its own is done: one at a time may be made
    store = Store.open(one.layout.database)
    store.queue.add(NewRun("k", "drop", None, None, None, "/f", 1.0), 1.0)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    back_up(store.connection, one.layout.backups, "daily")
    store.close()
    with one.layout.database.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.write(b"x" * size)
    for name in ("state.db-wal", "state.db-shm"):
        (one.layout.state / name).unlink(missing_ok=True)
    one.process.send_signal(signal.SIGHUP)
    assert one.process.wait(60) == 1
    assert "Traceback" not in one.log()
    one.start()
    one.until(60, lambda: "was damaged" in one.log() and one.counts())


def test_superseded_models_go_in_time_and_a_run_at_work_is_not_waited_for(scene, clock, monkeypatch):
    """A year of trainings would fill the disk, and then nothing would be learned any more."""
    one = scene(daemon={"keep_models": 2})
    housekeeping = Housekeeping(one.store, one.layout, clock)
    for number in range(4):
        folder = run(one.layout.workspace, number)
        os.utime(folder / "collect" / "manifest.json", (1e9 + number, 1e9 + number))
    with exclusive(one.layout.workspace):
        housekeeping.step(one.live.current())
    assert len(models(one.layout.workspace)) == 8
    clock.pass_by(90_000)
    housekeeping.step(one.live.current())
    assert {model.run for model in models(one.layout.workspace)} == {"run2", "run3"}
    clock.pass_by(90_000)
    monkeypatch.setattr("daemon.housekeeping.subprocess.run", None)
    housekeeping.step(one.live.current())  # nothing is started where nothing is to go


READ_ONLY = """
mount -t tmpfs none {folder} && cp -a {source}/. {folder} && mount -o remount,ro {folder} &&
cd {root} && {python} -m daemon.cli status --config {folder}/settings.yaml; echo code $?
{python} -m daemon.cli doctor --offline --config {folder}/settings.yaml; echo code $?
{python} -m daemon.cli run --quiet --config {folder}/settings.yaml; echo code $?
"""


def test_on_a_disk_that_became_read_only_everything_is_a_sentence(scene, tmp_path):
    if sys.platform != "linux" or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    one = scene()
    one.store.queue.add(NewRun("k", "drop", None, None, None, "/f", 1.0), 1.0)
    one.store.close()
    config = one.config.read_text()
    for folder in (tmp_path / "mounted", tmp_path / "source"):
        folder.mkdir()
    one.layout.workspace.rename(tmp_path / "source/workspace")
    (tmp_path / "source/settings.yaml").write_text(config.replace(str(tmp_path), str(tmp_path / "mounted")))
    script = READ_ONLY.format(folder=tmp_path / "mounted", source=tmp_path / "source", root=ROOT, python=sys.executable)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert "queue" in said and said.count("can't be written") >= 2, said
    assert said.count("code 1") == 3, said
