"""What the store holds, as records."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class WorkflowRunState(StrEnum):
    """Where a workflow run stands in the ledger."""

    GOING = "going"  # not finished at GitHub
    CANDIDATE = "candidate"  # finished; its commit isn't checked yet
    ACCEPTED = "accepted"  # its artifacts are wanted
    QUEUED = "queued"  # its artifacts are here, a run was made
    REFUSED = "refused"
    EMPTY = "empty"
    EXPIRED = "expired"
    PARKED = "parked"


class ArtifactState(StrEnum):
    """How far an artifact's download is."""

    WANTED = "wanted"
    DOWNLOADED = "downloaded"
    EXPIRED = "expired"
    REFUSED = "refused"


class RunState(StrEnum):
    """Where a run stands in the queue."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    NOT_BETTER = "not-better"
    REFUSED = "refused"
    PARKED = "parked"


class Repository(msgspec.Struct, frozen=True):
    """A watched repository and how looking at it went. Times are seconds since 1970.

    `number` is its pinned number at the GitHub of `address`; `id`, by which the ledger knows it, is the same unless a
    repository of another GitHub has that already.
    """

    name: str
    id: int
    number: int
    address: str
    watched_since: float
    polled_at: float | None
    swept_at: float | None
    next_poll_at: float
    failures: int
    problem: str | None


class WorkflowRun(msgspec.Struct, frozen=True):
    """A line of the ledger."""

    repository_id: int
    id: int
    attempt: int
    repository: str
    workflow: str
    event: str
    branch: str
    commit_sha: str
    created_at: float
    updated_at: float
    state: WorkflowRunState
    reason: str = ""
    next_at: float = 0.0
    failures: int = 0

    @property
    def key(self) -> str:
        """Its identity, and that of the run made from it."""
        return f"github:{self.repository_id}:{self.id}:{self.attempt}"


class Artifact(msgspec.Struct, frozen=True):
    """Something a workflow run uploaded. `digest` is `sha256:…` of the exact bytes, if GitHub gives one."""

    id: int
    repository_id: int
    workflow_run_id: int
    attempt: int
    name: str
    size: int
    digest: str | None
    state: ArtifactState
    reason: str = ""
    path: str | None = None


class NewRun(msgspec.Struct, frozen=True):
    """A run to be put into the queue. `ordinal` orders it: when what it comes from was made."""

    key: str
    origin: str
    repository: str | None
    branch: str | None
    commit_sha: str | None
    folder: str
    ordinal: float


class Run(msgspec.Struct, frozen=True):
    """A passage through the flow, in the queue or done; `prepared`: its data sets are there, training is left."""

    id: int
    key: str
    origin: str
    repository: str | None
    branch: str | None
    commit_sha: str | None
    folder: str
    ordinal: float
    state: RunState
    reason: str
    attempts: int
    interruptions: int
    not_before: float
    fine_tuning: bool
    token: str | None
    lease_until: float | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    result: str | None
    prepared: bool = False
    process: int | None = None
    process_started: str | None = None


class RunProgress(msgspec.Struct, frozen=True):
    """The newest progress of a run; `stage_since` is when its stage began."""

    run_id: int
    stage: str
    message: str
    done: float
    total: float | None
    stage_since: float
    at: float
