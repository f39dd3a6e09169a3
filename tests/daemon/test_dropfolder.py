import errno
import shutil
from pathlib import Path

import pytest

from config.errors import Error
from daemon.dropfolder import DropFolder
from daemon.store.records import RunState
from tests.daemon.conftest import zipped


@pytest.fixture
def drop(scene, clock):
    one = scene()
    folder = DropFolder(one.store, clock, one.layout.drop, one.layout.downloads)

    def step(seconds=10.0):
        folder.step(5.0)
        clock.pass_by(seconds)
        return folder.step(5.0)

    folder.settled = step
    folder.queued = lambda: one.store.queue.in_state(RunState.QUEUED)
    return folder


def test_files_complete_together_are_one_run(drop):
    (drop.folder / "a.sarif").write_text("{}")
    (drop.folder / "scan").mkdir()
    (drop.folder / "scan" / "b.json").write_text("[]")
    drop.settled()
    [run] = drop.queued()
    assert sorted(path.name for path in drop.downloads.rglob("*") if path.is_file()) == ["a.sarif", "b.json"]
    assert run.repository is None


def test_a_file_still_being_written_is_waited_for(drop, clock):
    path = drop.folder / "a.sarif"
    for size in range(1, 6):
        path.write_text("x" * size)
        drop.step(5.0)
        clock.pass_by(4)
    assert not drop.queued()
    drop.step(5.0)
    clock.pass_by(6)
    drop.step(5.0)
    assert len(drop.queued()) == 1


def test_a_zip_without_its_directory_is_waited_for(drop):
    whole = zipped({"report.sarif": "x" * 1000})
    path = drop.folder / "a.zip"
    path.write_bytes(whole[:-30])
    assert drop.settled() is not None
    assert not drop.queued()
    path.write_bytes(whole)
    drop.settled()
    assert len(drop.queued()) == 1


@pytest.mark.parametrize("name", [".hidden", "a.zip.part", "b.crdownload", "c.tmp", "d.sarif~"])
def test_unfinished_names_are_left_until_they_are_renamed(drop, name):
    (drop.folder / name).write_text("{}")
    drop.settled()
    assert not drop.queued()
    (drop.folder / name).rename(drop.folder / "final.sarif")
    drop.settled()
    assert len(drop.queued()) == 1


def test_the_same_content_is_taken_once_whatever_its_name(drop):
    (drop.folder / "a.sarif").write_text("{}")
    drop.settled()
    (drop.folder / "a.sarif").rename(drop.folder / "b.sarif")
    drop.settled()
    assert len(drop.queued()) == 1


def test_only_what_is_new_is_taken_when_old_content_comes_again_beside_it(drop):
    (drop.folder / "a.sarif").write_text("{}")
    drop.settled()
    (drop.folder / "a.sarif").rename(drop.folder / "b.sarif")
    (drop.folder / "new.sarif").write_text("[]")
    drop.settled()
    newest = max(drop.queued(), key=lambda run: run.id)
    assert [path.name for path in Path(newest.folder).iterdir()] == ["new.sarif"]


def test_replaced_content_is_taken_again(drop):
    (drop.folder / "a.sarif").write_text("{}")
    drop.settled()
    (drop.folder / "new").write_text("{1}")
    (drop.folder / "new").replace(drop.folder / "a.sarif")
    drop.settled()
    assert len(drop.queued()) == 2


def test_links_and_empty_files_are_not_taken(drop, tmp_path):
    (tmp_path / "secret").write_text("s")
    (drop.folder / "link").symlink_to(tmp_path / "secret")
    (drop.folder / "empty.sarif").touch()
    drop.settled()
    assert not drop.queued()


def test_a_full_disk_loses_nothing(drop, monkeypatch):
    (drop.folder / "a.sarif").write_text("{}")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(shutil, "copyfileobj", full)
        with pytest.raises(Error, match="can't be copied"):
            drop.settled()
    assert not drop.queued()
    drop.settled()
    assert len(drop.queued()) == 1


def test_a_restart_takes_nothing_twice(drop, scene, clock):
    (drop.folder / "a.sarif").write_text("{}")
    drop.settled()
    again = DropFolder(drop.store, clock, drop.folder, drop.downloads)
    again.step(0.0)
    clock.pass_by(1)
    again.step(0.0)
    assert len(drop.queued()) == 1


def test_changes_are_heard_of_or_looked_for(tmp_path, monkeypatch):
    import threading

    import watchdog.observers

    from daemon.watch import FolderWatch

    def broken():
        raise OSError("no notifications here")

    for is_native in (True, False):
        if not is_native:
            monkeypatch.setattr(watchdog.observers, "Observer", broken)
        heard = threading.Event()
        watch = FolderWatch(tmp_path, heard.set, fallback=0.05)
        watch.start()
        assert watch.is_native is is_native
        (tmp_path / "a").write_text(str(is_native))
        assert heard.wait(5.0)
        watch.stop()
