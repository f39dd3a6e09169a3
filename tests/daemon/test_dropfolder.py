import errno
import os
import shutil
import sys
from pathlib import Path

import pytest

from config.errors import Error
from daemon.dropfolder import DropFolder
from daemon.snapshot import snapshot
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


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems have no such names")
def test_names_that_are_no_utf8_or_hold_a_line_break_are_taken(drop):
    names = (b"\xff.json", b"\xfe.json", b"a\nb.sarif", "\u00e9 \u202e.json".encode(), b"\xf0" * 200 + b".json")
    for name in names:
        (drop.folder / os.fsdecode(name)).write_bytes(name)
    drop.settled()
    [run] = drop.queued()
    found = [path for path in Path(run.folder).rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in found) == sorted(names)
    for path in found:
        str(path).encode()


def test_what_cannot_be_read_is_told_and_the_rest_taken(scene, monkeypatch, clock):
    one = scene()
    intake = one.intake()
    for name in ("mine.sarif", "theirs.sarif"):
        (one.layout.drop / name).write_text(name)
    (one.layout.drop / "closed").mkdir()
    refuse(monkeypatch, "theirs.sarif", "closed")
    for _ in range(2):
        intake.step()
        clock.pass_by(10)
    intake.step()
    [run] = one.store.queue.in_state(RunState.QUEUED)
    assert [path.name for path in Path(run.folder).iterdir()] == ["mine.sarif"]
    _, text = one.told[-1]
    assert text.startswith("closed, theirs.sarif can't be read.")
    assert any("closed, theirs.sarif" in problem for problem in snapshot(one.config, clock.now()).problems)
    monkeypatch.undo()
    for _ in range(3):
        intake.step()
        clock.pass_by(10)
    assert len(one.store.queue.in_state(RunState.QUEUED)) == 2
    assert not snapshot(one.config, clock.now()).problems


def refuse(monkeypatch, file, folder):
    """Keep a file and a folder from being read, as their modes would where the tests don't run as root."""
    opened, listed = Path.open, os.scandir

    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    def open_(path, *how, **more):
        return denied(path) if path.name == file else opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", open_)
    monkeypatch.setattr(os, "scandir", lambda path: denied(path) if str(path).endswith(folder) else listed(path))


def test_a_clock_that_jumps_back_holds_no_file_back(scene, clock):
    one = scene()
    times = {"wall": 1_760_000_000.0, "steady": 0.0}
    two = type("Clock", (), {"now": lambda _: times["wall"], "monotonic": lambda _: times["steady"]})()
    drop = DropFolder(one.store, two, one.layout.drop, one.layout.downloads)
    (drop.folder / "a.sarif").write_text("{}")
    drop.step(5.0)
    times.update(wall=times["wall"] - 86_400, steady=6.0)
    drop.step(5.0)
    assert len(one.store.queue.in_state(RunState.QUEUED)) == 1


def test_a_file_that_goes_while_it_is_copied_is_no_trouble(drop, monkeypatch):
    (drop.folder / "a.sarif").write_text("{}")
    (drop.folder / "b.sarif").write_text("[]")
    drop.step(5.0)
    drop.clock.pass_by(10)
    real = shutil.copyfileobj

    def copy(*how):
        (drop.folder / "b.sarif").unlink(missing_ok=True)
        real(*how)

    monkeypatch.setattr(shutil, "copyfileobj", copy)
    drop.step(5.0)
    drop.settled()
    [run] = drop.queued()
    assert [path.name for path in Path(run.folder).iterdir()] == ["a.sarif"]
