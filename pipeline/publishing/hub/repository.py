"""One repository on the Hub: what is there, and the few ways to change it. Each method is one request or a few."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from pipeline.publishing.hub.session import Interrupted
from pipeline.publishing.interface import NotAllowed, Part, Unreachable

E = TypeVar("E", bound=BaseException)
KEPT = (".gitattributes",)
THREADS, LONGEST_SAID = 2, 500


class Commit(msgspec.Struct, frozen=True):
    """A commit in a repository's history."""

    oid: str
    title: str
    message: str


class Conflict(Exception):
    """The head isn't the parent that was given: someone else committed, or an attempt of ours did after all."""


class Repository:
    """A model or data set repository, through `huggingface_hub`."""

    def __init__(self, api: HfApi, part: Part) -> None:
        self._api = api
        self.name, self.kind = part.repository, part.kind

    @property
    def url(self) -> str:
        """Where a person finds it."""
        folder = "datasets/" if self.kind == "dataset" else ""
        return f"{self._api.endpoint}/{folder}{self.name}"

    def is_public(self) -> bool | None:
        """Tell whether anyone can read it; None when it isn't there; raise NotAllowed when it was renamed."""
        try:
            found = self._api.repo_info(self.name, repo_type=self.kind)
        except RepositoryNotFoundError:
            return None
        if found.id != self.name:
            raise NotAllowed(
                f"{self.name} is called {_printable(found.id)} now.", "Correct fine_tuning.hf_repo_prefix to that name."
            )
        return not found.private

    def create(self, *, public: bool) -> None:
        """Create it; where it exists already, it stays as it is."""
        self._api.create_repo(self.name, repo_type=self.kind, private=not public, exist_ok=True)

    def tag_of(self, name: str) -> str | None:
        """Return the commit a tag points at; None without that tag."""
        refs = self._api.list_repo_refs(self.name, repo_type=self.kind)
        return next((tag.target_commit for tag in refs.tags if tag.name == name), None)

    def history(self) -> list[Commit]:
        """Return the commits of the main branch, newest first."""
        commits = self._api.list_repo_commits(self.name, repo_type=self.kind)
        return [Commit(commit.commit_id, commit.title, commit.message) for commit in commits]

    def files(self, revision: str) -> dict[str, str]:
        """Return the files at a revision: path → SHA-256 (large files) or git blob id (small ones)."""
        tree = self._api.list_repo_tree(self.name, recursive=True, revision=revision, repo_type=self.kind)
        return {
            item.path: item.lfs.sha256 if item.lfs else item.blob_id
            for item in tree
            if hasattr(item, "blob_id") and item.path not in KEPT
        }

    def commit(self, folder: Path, there: Mapping[str, str], title: str, message: str, parent: str) -> None:
        """Replace the whole content by the folder's, in one commit; raise Conflict when the head moved."""
        ours = sorted(path for path in folder.rglob("*") if path.is_file())
        names = {path.relative_to(folder).as_posix() for path in ours}
        operations: list[Any] = [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in ours]
        operations += [CommitOperationDelete(name) for name in sorted(set(there) - names)]
        try:
            self._api.create_commit(
                self.name, operations, commit_message=title, commit_description=message,
                parent_commit=parent, repo_type=self.kind, num_threads=THREADS,
            )  # fmt: skip
        except HfHubHTTPError as error:
            if error.response is not None and error.response.status_code == 412:
                raise Conflict from error
            raise

    def tag(self, name: str, commit: str) -> None:
        """Tag a commit; where the tag exists it stays as it is."""
        self._api.create_tag(self.name, tag=name, revision=commit, repo_type=self.kind, exist_ok=True)


def is_same(folder: Path, there: Mapping[str, str], leaving_out: str) -> bool:
    """Tell whether a repository's files are the folder's, byte for byte; one file may differ."""
    ours = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    names = set(ours) - {leaving_out}
    return names == set(there) - {leaving_out} and all(there[name] in _names(ours[name]) for name in names)


def _names(path: Path) -> tuple[str, str]:
    """Return what git and LFS call a file's content: blob id and SHA-256."""
    blob, plain = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            blob.update(block)
            plain.update(block)
    return blob.hexdigest(), plain.hexdigest()


def cause(error: BaseException | None, kind: type[E]) -> E | None:
    """Return the error of a kind behind an error: uploads run in threads that wrap what they meet."""
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None


def as_ours(error: Exception) -> Exception:
    """Return an error of the client as one of ours; Interrupted and Conflict stay what they are."""
    for kind in (Interrupted, Conflict, Unreachable):
        if (known := cause(error, kind)) is not None:
            return known
    refused = cause(error, HfHubHTTPError)
    status = refused.response.status_code if refused is not None and refused.response is not None else 0
    said = _printable(str(refused.server_message or "") if refused is not None else f"{type(error).__name__}: {error}")
    if status in (401, 403):
        return NotAllowed(
            f"The Hub refuses this token ({status}{': ' if said else ''}{said}).",
            "Make a token with write permission for that namespace, unless the Hub names another reason.",
        )
    return Unreachable(f"The Hub didn't take the release ({status or 'no answer'}): {said}", "See what it says.")


def _printable(said: str) -> str:
    """Return what a server said on one line, without what a terminal would obey."""
    return "".join(one if one.isprintable() else " " for one in said)[:LONGEST_SAID].strip()
