"""A folder as a target: `<folder>/<owner>/<name>/<run>/` for each release, `main` linked to the newest."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pipeline.publishing.interface import OutOfDate, Part, Published, Release, Say, Unreachable, contents
from pipeline.records import Record
from pipeline.stage import digest_of, synchronise, write_atomically

HEAD, STORY = "main", "release.json"


class Entry(Record):
    """What is kept beside a release: the run, when it began, and the digest of its files."""

    run: str
    began: str
    digest: str


class LocalTarget:
    """Publishes into a folder. A release appears whole or not at all; `main` moves after it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def publish(self, release: Release, say: Say) -> tuple[Published, ...]:
        """Copy every part; raise OutOfDate when `main` is a newer run's."""
        try:
            return tuple(self._put(part, release, say) for part in release.parts)
        except OSError as error:
            raise Unreachable(
                f"{self.folder} can't be written ({error.strerror or error}).", "Name another --folder."
            ) from error

    def _put(self, part: Part, release: Release, say: Say) -> Published:
        home = self.folder / part.repository
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(home):
            return self._put_alone(home, part, release, say)

    def _put_alone(self, home: Path, part: Part, release: Release, say: Say) -> Published:
        target, files = home / release.run, contents(Path(part.folder))
        entry = Entry(run=release.run, began=release.began, digest=digest_of(files))
        found, newest = _entry(target), _entry(home / HEAD)
        say(part.repository, 0, sum(file.bytes for file in files.values()))
        if found is None:
            if newest is not None and newest.began > entry.began:
                raise OutOfDate(
                    f"{home} already holds a newer release, of run {newest.run}.", "Publish the newest run."
                )
            _copy(Path(part.folder), target, entry)
        if newest is None or newest.began <= entry.began:
            _point(home, release.run)
        return Published(
            repository=part.repository,
            commit=(found or entry).digest,
            tag=release.run,
            url=str(target),
            already=found is not None,
            note="" if found in (None, entry) else "released before with other bytes; those were kept",
        )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait for the folder's lock: another publication there ends first."""
    descriptor = os.open(home / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy(source: Path, target: Path, entry: Entry) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(source, temporary)
    for path in temporary.rglob("*"):
        synchronise(path)
    story = temporary.with_name(f"{target.name}.{STORY}")
    write_atomically(story, msgspec.json.encode(entry) + b"\n")
    story.chmod(0o600)
    shutil.rmtree(target, ignore_errors=True)  # of one that isn't there whole
    temporary.replace(target)
    synchronise(target.parent)


def _entry(target: Path) -> Entry | None:
    """Return what is known of a release; None when it isn't there whole."""
    target = target.resolve()
    try:
        entry = msgspec.json.decode(target.with_name(f"{target.name}.{STORY}").read_bytes(), type=Entry)
    except (OSError, msgspec.DecodeError):
        return None
    return entry if target.is_dir() else None


def _point(home: Path, run: str) -> None:
    temporary = home / f".{HEAD}.tmp"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run)
    temporary.replace(home / HEAD)
