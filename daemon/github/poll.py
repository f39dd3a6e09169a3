"""Looking at a repository: one conditional request when nothing is new, every missed run when something is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from config.settings import Settings, Watched
from daemon.clock import Clock
from daemon.errors import GithubError
from daemon.github.answers import RepositoryAnswer, WorkflowRunAnswer, WorkflowRunsAnswer, decode
from daemon.github.client import Answer, Client
from daemon.github.missing import workflow_run
from daemon.github.origin import refusal
from daemon.store.ledger import ETag
from daemon.store.records import Repository, WorkflowRun, WorkflowRunState
from daemon.store.store import Store

DAY = 86_400.0
PAGE = 30
LIST_END = 1000  # GitHub cuts filtered lists off here
GOING_AGAIN = 3600.0
DELETED = "it was deleted at GitHub"


class Poller:
    """Fills the ledger with the workflow runs of the watched repositories."""

    def __init__(self, store: Store, client: Client, clock: Clock) -> None:
        self.store = store
        self.client = client
        self.clock = clock

    def poll(self, watched: Watched, settings: Settings) -> int:
        """Look at a repository; return how many workflow runs were entered or moved on.

        The ETag and the time of the look are written with the runs, so that a crash at any
        moment means looking again, never missing one.
        """
        repository = self._repository(watched)
        now = self.clock.now()
        sweep = abs(now - (repository.swept_at or now)) >= settings.github.sweep_hours * 3600
        sweep = sweep or repository.swept_at is None
        floor = self._floor(repository, settings, sweep=sweep, now=now)
        path, parameters = f"/repos/{watched.name}/actions/runs", self._parameters(watched)
        url = self.client.url(path, parameters)
        known_etag = None if sweep else self.store.ledger.etag(url, self.client.token.digest)
        first = self.client.get(path, parameters, known_etag)
        runs = [] if first.unchanged else list(self._new_runs(first, watched, repository, floor))
        etag = ETag(url, self.client.token.digest, first.etag) if first.etag and not first.unchanged else None
        self.store.ledger.polled(watched.name, now, now + settings.github.poll_seconds, runs, swept=sweep, etag=etag)
        return len(runs)

    def refresh(self, run: WorkflowRun, watched: Watched) -> None:
        """Look at one workflow run that is long in finishing."""
        found = workflow_run(self.client, watched.name, run.id)
        if found is None:
            self.store.ledger.settle(run, WorkflowRunState.REFUSED, DELETED)
            return
        moved = entered(found, watched, self._repository(watched), self.clock.now())
        if found.run_attempt != run.attempt:
            self.store.ledger.settle(run, WorkflowRunState.REFUSED, f"attempt {found.run_attempt} replaced it")
        self.store.ledger.enter([moved])

    def _repository(self, watched: Watched) -> Repository:
        """Return the repository's record, its number pinned by the settings or at first sight of this GitHub."""
        found, address = self.store.ledger.repository(watched.name), self.client.settings.base_url.rstrip("/")
        if found is None or not found.id or found.address != address or watched.id not in (0, found.number):
            answer = decode(self.client.get(f"/repos/{watched.name}").body, RepositoryAnswer)
            _check_number(watched, answer.id, found if found is not None and found.address in ("", address) else None)
            self.store.ledger.pin(watched.name, answer.id, address, self.client.limits.server_now())
            found = self.store.ledger.repository(watched.name)
        assert found is not None  # noqa: S101 -- pinned just above
        return found

    def _floor(self, repository: Repository, settings: Settings, *, sweep: bool, now: float) -> float:
        """Return the creation time below which nothing new is expected."""
        start = repository.watched_since - settings.github.first_days * DAY
        newest = self.store.ledger.newest(repository.id)
        if newest is None:
            return start
        if sweep:
            return max(start, min(newest, now - settings.github.sweep_days * DAY))
        going = self.store.ledger.oldest_going(repository.id)
        return max(start, newest - DAY, min(newest, going if going is not None else newest))

    def _parameters(self, watched: Watched) -> dict[str, str | int]:
        return {"branch": watched.branch, "per_page": PAGE, "exclude_pull_requests": "true"}

    def _new_runs(self, first: Answer, watched: Watched, repository: Repository, floor: float) -> Iterator[WorkflowRun]:
        """Yield the runs not settled yet, newest first, from as many pages as it takes."""
        known = self.store.ledger.known(repository.id)
        for found in self._walk(first, watched, floor):
            if found.repository.id != repository.number:
                raise _other_number(watched, found.repository.id, repository.number)
            created = found.created_at.timestamp()
            state = known.get((found.id, found.run_attempt))
            if created >= floor and (state is None or state == WorkflowRunState.GOING):
                yield entered(found, watched, repository, self.clock.now())

    def _walk(self, first: Answer, watched: Watched, floor: float) -> Iterator[WorkflowRunAnswer]:
        """Yield runs page by page down to the floor, past the point where filtered lists end."""
        answer, seen, oldest = first, 0, None
        while True:
            page = decode(answer.body, WorkflowRunsAnswer).workflow_runs
            yield from page
            seen += len(page)
            if not page or min(run.created_at for run in page).timestamp() < floor:
                return
            if answer.next is not None and seen < LIST_END:
                answer = self.client.get(answer.next)
                continue
            before = min(run.created_at for run in page)
            if seen < LIST_END or before == oldest:
                return
            oldest, seen = before, 0
            window = {"created": f"<={_stamp(before)}"}
            answer = self.client.get(f"/repos/{watched.name}/actions/runs", {**self._parameters(watched), **window})


def entered(found: WorkflowRunAnswer, watched: Watched, repository: Repository, now: float) -> WorkflowRun:
    """Return the line of the ledger for a workflow run as GitHub shows it."""
    line = WorkflowRun(
        repository_id=repository.id,
        id=found.id,
        attempt=found.run_attempt,
        repository=watched.name,
        workflow=found.workflow,
        event=found.event,
        branch=found.head_branch or "",
        commit_sha=found.head_sha,
        created_at=found.created_at.timestamp(),
        updated_at=found.updated_at.timestamp(),
        state=WorkflowRunState.GOING,
        next_at=now + GOING_AGAIN,
    )
    if found.status != "completed":
        return line
    reason = refusal(found, watched, repository.number)
    state = WorkflowRunState.REFUSED if reason else WorkflowRunState.CANDIDATE
    return msgspec.structs.replace(line, state=state, reason=reason or "", next_at=0.0)


def _check_number(watched: Watched, number: int, known: Repository | None) -> None:
    """Refuse a number that isn't the pinned one; the settings' pin goes before the one remembered."""
    if watched.id and number != watched.id:
        raise GithubError(
            f"{watched.name} is repository {number}, not {watched.id} as the settings say.",
            "Somebody else may have taken the name: check it, then correct github.repositories.",
        )
    if not watched.id and known is not None and known.number not in (0, number):
        raise _other_number(watched, number, known.number)


def _other_number(watched: Watched, number: int, pinned: int) -> GithubError:
    return GithubError(
        f"{watched.name} is now repository {number}, not {pinned}.",
        "Somebody else may have taken the name: check it, then give its number as id.",
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
