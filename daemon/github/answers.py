"""The parts of GitHub's answers that are read, as types; an answer of another shape is an error."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from daemon.errors import GithubError

T = TypeVar("T")


class RepositoryAnswer(msgspec.Struct, frozen=True):
    """A repository."""

    id: int
    full_name: str
    default_branch: str = "main"


class RepositoryId(msgspec.Struct, frozen=True):
    """A repository, by number."""

    id: int


class WorkflowRunAnswer(msgspec.Struct, frozen=True):
    """A workflow run. `head_repository` is null when a fork was deleted."""

    id: int
    event: str
    status: str | None
    head_sha: str
    created_at: datetime
    updated_at: datetime
    repository: RepositoryId
    head_repository: RepositoryId | None = None
    run_attempt: int = 1
    conclusion: str | None = None
    path: str = ""
    head_branch: str | None = None

    @property
    def workflow(self) -> str:
        """The workflow's file, without the `@ref` that reusable ones carry."""
        return self.path.split("@")[0]


class WorkflowRunsAnswer(msgspec.Struct, frozen=True):
    """A page of workflow runs."""

    workflow_runs: list[WorkflowRunAnswer]


class ArtifactAnswer(msgspec.Struct, frozen=True):
    """An artifact of a workflow run."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool = False
    digest: str | None = None


class ArtifactsAnswer(msgspec.Struct, frozen=True):
    """A page of artifacts."""

    artifacts: list[ArtifactAnswer]


class ComparisonAnswer(msgspec.Struct, frozen=True):
    """How a commit stands to a branch: ahead, behind, identical or diverged."""

    status: str


def decode(body: bytes, kind: type[T]) -> T:
    """Return an answer as its type; raises GithubError for another shape."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if body.lstrip()[:1] == b"<":
            what = "GitHub's answer is a page for people, not one of the API."
            raise GithubError(what, "Check github.base_url: https://HOST/api/v3 for an Enterprise server.") from error
        raise GithubError(f"GitHub's answer can't be read: {error}.", "It is tried again.") from error
