"""The contract of every target: one release, whole, whatever is repeated."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.publishing.interface import OutOfDate, Target
from pipeline.publishing.local import LocalTarget
from tests.publishing.conftest import bytes_of, release
from tests.publishing.hub_stub import HubStub

NAMES = ("ada/x-analysis", "ada/x-data")


class Place:
    """A target, and how to look into it."""

    def __init__(self, target: Target, read: Callable[[str, str], dict[str, bytes]], count: Callable[[str], int]):
        self.target, self.read, self.count = target, read, count

    def publish(self, what):
        return self.target.publish(what, lambda *_: None)


@pytest.fixture(params=["hub", "folder"])
def place(request, tmp_path: Path) -> Place:
    if request.param == "folder":
        folder = tmp_path / "published"

        def count(name: str) -> int:
            return sum(path.is_dir() and not path.is_symlink() for path in (folder / name).iterdir())

        return Place(LocalTarget(folder), lambda name, revision: bytes_of(str(folder / name / revision)), count)
    hub: HubStub = request.getfixturevalue("hub")

    def kind(name: str) -> str:
        return "dataset" if name.endswith("data") else "model"

    return Place(
        request.getfixturevalue("target"),
        lambda name, revision: hub.files(kind(name), name, revision),
        lambda name: len(hub.repos[kind(name), name].commits) - 1,
    )


def test_a_release_arrives_whole_with_a_tag(place, tmp_path):
    what = release(tmp_path, names=NAMES)
    published = place.publish(what)
    assert [one.repository for one in published] == list(NAMES) and not any(one.already for one in published)
    for part in what.parts:
        assert place.read(part.repository, what.run) == place.read(part.repository, "main") == bytes_of(part.folder)


def test_the_same_again_changes_nothing(place, tmp_path):
    what = release(tmp_path, names=NAMES)
    first, second = place.publish(what), place.publish(what)
    assert all(one.already and not one.note for one in second)
    assert [one.commit for one in first] == [one.commit for one in second]
    assert all(place.count(name) == 1 for name in NAMES)


def test_a_newer_release_replaces_all_files_and_the_older_stays_under_its_tag(place, tmp_path):
    old = release(tmp_path)
    (Path(old.parts[0].folder) / "gone.txt").write_text("only in the old one")
    new = release(tmp_path, run="def456", began="2026-01-03T00:00:00Z", weights=b"n" * 4000)
    place.publish(old)
    place.publish(new)
    assert place.read("ada/x-analysis", "main") == bytes_of(new.parts[0].folder)
    assert place.read("ada/x-analysis", old.run) == bytes_of(old.parts[0].folder)
    assert place.publish(old)[0].already, "published before, it stays published"
    assert place.read("ada/x-analysis", "main") == bytes_of(new.parts[0].folder)


def test_an_older_release_doesnt_replace_a_newer_one(place, tmp_path):
    place.publish(release(tmp_path, run="new", began="2026-01-03T00:00:00Z"))
    with pytest.raises(OutOfDate, match="newer release"):
        place.publish(release(tmp_path, run="old", began="2026-01-02T00:00:00Z"))
    assert place.count("ada/x-analysis") == 1


def test_the_same_run_with_other_bytes_is_kept_as_it_was_and_said(place, tmp_path):
    place.publish(release(tmp_path))
    again = place.publish(release(tmp_path / "elsewhere", weights=b"other" * 900))
    assert again[0].already and "other bytes" in again[0].note
    assert place.read("ada/x-analysis", "abc123") == bytes_of(release(tmp_path).parts[0].folder)


def test_two_machines_at_once_make_one_release_of_each_run(place, tmp_path):
    runs = [release(tmp_path), release(tmp_path), release(tmp_path, run="def", weights=b"z" * 99)]
    failed = []

    def go(what):
        try:
            place.publish(what)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=go, args=(what,)) for what in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert place.count("ada/x-analysis") == 2
    for what in runs:
        assert place.read("ada/x-analysis", what.run) == bytes_of(what.parts[0].folder)
