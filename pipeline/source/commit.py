"""A commit of a git repository as a source tree: objects are read, nothing is checked out.

Works on a working copy, a bare clone and a partial clone. One `git ls-tree` lists the
commit and one `git cat-file --batch-command` serves every read, so that thousands of
findings cost two processes. No hook, filter or text conversion of the repository runs.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from pipeline.source.git import git, git_environment, git_text
from pipeline.source.interface import (
    MAX_FILE_BYTES,
    MAX_FILES,
    Absence,
    MissingCommit,
    Reading,
    SourceError,
    is_text,
)

_COMMIT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/@{}^~+-]{0,250}")
_MAX_LINKS = 5
_LINK = "120000"
_FETCH_AT_ONCE = 1000


class Entry(NamedTuple):
    """A line of `git ls-tree`: file mode and object id."""

    mode: str
    object_id: str


class GitTree:
    """The files of `commit` in `repository`; with `fetch`, objects a partial clone lacks are fetched."""

    def __init__(
        self,
        repository: Path | str,
        commit: str,
        *,
        max_bytes: int = MAX_FILE_BYTES,
        max_files: int = MAX_FILES,
        fetch: bool = False,
    ) -> None:
        self.repository = Path(repository)
        self.max_bytes = max_bytes
        self.max_files = max_files
        self.fetch = fetch
        self.commit = resolve_commit(self.repository, commit)
        self._prefix = git_text(self.repository, "rev-parse", "--show-prefix").strip()
        self._listed: dict[str, Entry] | None = None
        self._absent: frozenset[str] | None = None
        self._reader: subprocess.Popen[bytes] | None = None

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when it can't be read."""
        return self.examine(path).content

    def examine(self, path: str) -> Reading:
        """Return a file's bytes, or why not; symbolic links are followed inside the commit."""
        for _ in range(_MAX_LINKS):
            entry = self._entries().get(path)
            if entry is not None and entry.mode == "160000":
                return Reading(absence=Absence.SUBMODULE)
            if entry is not None and entry.mode != _LINK:
                return self._blob(entry.object_id)
            link = self._link(path)
            if link is None:
                return Reading(absence=self._why_no_entry(path))
            reading = self._blob(self._entries()[link].object_id)
            if reading.content is None:
                return reading
            target = posixpath.join(posixpath.dirname(link), reading.content.decode("utf-8", "surrogateescape"))
            path = posixpath.normpath(target + path.removeprefix(link))
            if path.startswith(("../", "/")):
                return Reading(absence=Absence.OUTSIDE)
        return Reading(absence=Absence.OUTSIDE)

    def files(self) -> Iterator[str]:
        """Yield the paths of all regular files, sorted; links, submodules and names that aren't text are left out."""
        for path, entry in self._entries().items():
            if entry.mode.startswith("100") and is_text(path):
                yield path

    def digest(self) -> str:
        """Return the commit id; for a folder inside the repository, with that folder's path."""
        return f"{self.commit}:{self._prefix}" if self._prefix else self.commit

    def prefetch(self, paths: Iterable[str]) -> int:
        """Fetch in few requests what a partial clone lacks of `paths` and of all links; return how many it lacked."""
        if not self.fetch:
            return 0
        wanted = {entry.object_id for path in paths if (entry := self._entries().get(path)) and entry.mode != "160000"}
        wanted |= {entry.object_id for entry in self._entries().values() if entry.mode == _LINK}
        missing = sorted(wanted & self._missing())
        for first in range(0, len(missing), _FETCH_AT_ONCE):
            _fetch_objects(self.repository, missing[first : first + _FETCH_AT_ONCE])
        self._absent = None
        return len(missing)

    def close(self) -> None:
        """End the reading process."""
        if self._reader is not None:
            assert self._reader.stdin is not None and self._reader.stdout is not None  # noqa: S101
            self._reader.stdin.close()
            self._reader.stdout.close()
            self._reader.wait()
            self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _link(self, path: str) -> str | None:
        """Return the link that a path is or goes through, None without one."""
        return next((one for one in (*_parents(path), path) if self._is_link(one)), None)

    def _is_link(self, path: str) -> bool:
        entry = self._entries().get(path)
        return entry is not None and entry.mode == _LINK

    def _why_no_entry(self, path: str) -> Absence:
        if path.startswith("/") or ".." in path.split("/"):
            return Absence.OUTSIDE
        parents = _parents(path)
        if any((entry := self._entries().get(parent)) and entry.mode == "160000" for parent in parents):
            return Absence.SUBMODULE
        return Absence.NO_FILE

    def _entries(self) -> dict[str, Entry]:
        if self._listed is None:
            output = git(self.repository, "ls-tree", "-r", "-z", f"{self.commit}")
            self._listed = dict(_entry(line) for line in output.split(b"\0") if line)
            if len(self._listed) > self.max_files:
                raise SourceError(
                    f"Commit {self.commit[:12]} has more than {self.max_files} files.", "Raise source.max_files."
                )
        return self._listed

    def _missing(self) -> frozenset[str]:
        """Return which objects of the commit a partial clone hasn't fetched."""
        if self._absent is None:
            listed = git(self.repository, "rev-list", "--objects", "--no-walk", "--missing=print", self.commit)
            self._absent = frozenset(line[1:].decode() for line in listed.splitlines() if line.startswith(b"?"))
        return self._absent

    def _blob(self, object_id: str) -> Reading:
        if self._absent and object_id in self._absent:
            return Reading(absence=Absence.NOT_FETCHED)
        header = self._ask(f"info {object_id}")
        if header[-1:] == [b"missing"]:
            return Reading(absence=Absence.NOT_FETCHED)
        if int(header[2]) > self.max_bytes:
            return Reading(absence=Absence.TOO_LARGE)
        size = int(self._ask(f"contents {object_id}")[2])
        assert self._reader is not None and self._reader.stdout is not None  # noqa: S101
        content = self._reader.stdout.read(size)
        self._reader.stdout.read(1)
        if len(content) != size:
            raise SourceError("git stopped while a file was read.", "Check the repository with `git fsck`.")
        return Reading(content=content)

    def _ask(self, command: str) -> list[bytes]:
        reader = self._process()
        assert reader.stdin is not None and reader.stdout is not None  # noqa: S101
        try:
            reader.stdin.write(command.encode() + b"\n")
            reader.stdin.flush()
            words = reader.stdout.readline().split()
        except OSError as error:
            raise SourceError("git stopped while a file was read.", "Check the repository with `git fsck`.") from error
        if not words:  # git ended: a partial clone lacks the object and may not fetch it
            self.close()
            self._missing()
            return [b"missing"]
        return words

    def _process(self) -> subprocess.Popen[bytes]:
        if self._reader is None:
            self._reader = subprocess.Popen(
                ["git", "-C", str(self.repository), "cat-file", "--batch-command"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=git_environment(self.fetch),
            )
        return self._reader


def resolve_commit(repository: Path, commit: str) -> str:
    """Return the full id of `commit`; raise MissingCommit, saying so when the clone is shallow."""
    if _COMMIT.fullmatch(commit):
        wanted = f"{commit}^{{commit}}"
        name = git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted, check=False)
        if name.strip():
            return name.decode().strip()
    message = f"The repository {repository.name} doesn't hold commit {commit[:60]}"
    if git_text(repository, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise MissingCommit(f"{message}: it is a shallow clone.", "Run `git fetch --unshallow` in it.")
    raise MissingCommit(f"{message}.", "Run `git fetch` in it, or give another --commit.")


def _entry(line: bytes) -> tuple[str, Entry]:
    description, _, path = line.partition(b"\t")
    mode, _, object_id = description.decode().split()
    return path.decode("utf-8", "surrogateescape"), Entry(mode, object_id)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _fetch_objects(repository: Path, object_ids: list[str]) -> None:
    remote = git_text(repository, "remote").split()
    if not remote:
        return
    git(
        repository,
        *("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"),
        *("--recurse-submodules=no", "--filter=blob:none", "--stdin", remote[0]),
        stdin="".join(f"{name}\n" for name in object_ids).encode(),
        network=True,
    )
