"""Taking a finished workflow run to the queue: its commit checked, its artifacts here, one run made of it."""

from __future__ import annotations

import logging
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

from config.settings import Settings, Watched
from daemon.backoff import delay
from daemon.clock import Clock
from daemon.errors import ArtifactRefused, BadDownload, GithubError, Gone, Missing, SourceRefused, Unmirrored
from daemon.github.answers import ArtifactAnswer, ArtifactsAnswer, ComparisonAnswer, decode
from daemon.github.attestation import verify
from daemon.github.client import Client
from daemon.github.download import Bounds, Downloader, keep_only
from daemon.github.missing import check_visible, workflow_run
from daemon.github.origin import is_on_branch
from daemon.github.poll import DELETED
from daemon.mirror import Mirrors
from daemon.notify import Notifier
from daemon.places import source_problem, workflow_matter
from daemon.store.records import Artifact, ArtifactState, NewRun, WorkflowRun, WorkflowRunState
from daemon.store.store import Store

GIGABYTE = 1024**3
LATE_CHECK = 120.0
logger = logging.getLogger("fixsmith.github")


def newest(found: list[ArtifactAnswer]) -> list[ArtifactAnswer]:
    """Return the last uploaded artifact of each name: a run's list holds those of all its attempts."""
    return list({one.name: one for one in sorted(found, key=lambda one: one.id)}.values())


class Fetcher:
    """Moves candidates to the queue, a step at a time; every step is repeated safely after a crash."""

    def __init__(
        self, store: Store, client: Client, clock: Clock, downloads: Path, mirrors: Mirrors, notifier: Notifier
    ) -> None:
        self.mirrors = mirrors
        self.notifier = notifier
        self.store = store
        self.client = client
        self.clock = clock
        self.downloads = downloads

    def advance(self, run: WorkflowRun, watched: Watched, settings: Settings) -> None:
        """Take a workflow run as far as it goes now.

        A fault in what came is counted and ends in `parked`; a fault on the way is raised.
        """
        try:
            if run.state == WorkflowRunState.CANDIDATE and not self._accept(run, watched, settings):
                return
            self._fetch(run, watched, settings)
        except Missing as error:
            if workflow_run(self.client, watched.name, run.id) is None:
                self._refuse(run, DELETED)
            else:
                self._count(run, settings, error)
        except (BadDownload, Unmirrored) as error:
            self._count(run, settings, error)

    def _accept(self, run: WorkflowRun, watched: Watched, settings: Settings) -> bool:
        """Check that the commit is on the branch: the branch's name in a run proves nothing."""
        span = f"{quote(watched.branch, safe='')}...{run.commit_sha}"
        try:
            answer = self.client.get(f"/repos/{watched.name}/compare/{span}", {"per_page": 1})
        except Missing:
            check_visible(self.client, watched.name)
            reason = f"its commit isn't in the repository or {watched.branch} isn't"
            if run.failures + 1 < settings.daemon.attempts:  # GitHub's copies may lag behind each other
                self.store.ledger.failed(run, self._later(run, settings), reason)
            else:
                self._refuse(run, reason)
            return False
        if not is_on_branch(decode(answer.body, ComparisonAnswer).status):
            self._refuse(run, f"its commit isn't on {watched.branch}")
            return False
        self.store.ledger.settle(run, WorkflowRunState.ACCEPTED)
        return True

    def _refuse(self, run: WorkflowRun, reason: str) -> None:
        self.store.ledger.settle(run, WorkflowRunState.REFUSED, reason)
        logger.info("%s run %s refused: %s", run.repository, run.id, reason)

    def _fetch(self, run: WorkflowRun, watched: Watched, settings: Settings) -> None:
        found = self._list(run, watched)
        if not self._is_complete(found, run, watched, settings):
            return
        self.store.ledger.wanted(found)
        folder, there = self.downloads / run.key.replace(":", "-"), {artifact.id for artifact in found}
        for artifact in self.store.ledger.artifacts(run):
            if artifact.state == ArtifactState.WANTED and artifact.id in there:
                self._take(run, watched, settings, artifact, folder)
            elif artifact.state == ArtifactState.WANTED:
                self.store.ledger.artifact(artifact, ArtifactState.EXPIRED, DELETED)
        if any(artifact.state == ArtifactState.DOWNLOADED for artifact in self.store.ledger.artifacts(run)):
            self._mirror(run, watched, settings)
        self._close(run, folder)

    def _mirror(self, run: WorkflowRun, watched: Watched, settings: Settings) -> None:
        """Have the repository's clone hold the commit; refused, or after the last attempt, the run goes without."""
        if watched.source or not watched.mirror:
            return
        problem = source_problem(run.repository)
        try:
            self.mirrors.bring(watched, run.repository_id, run.commit_sha, self.client.settings, self.client.token)
            if self.store.fact_at(problem) is not None:
                self.store.forget(problem)
        except GithubError as error:
            if not isinstance(error, SourceRefused) and run.failures + 1 < settings.daemon.attempts:
                raise Unmirrored(error.message, error.hint) from error
            logger.warning("%s run %s goes on without its source: %s", run.repository, run.id, error.message)
            self.store.note(problem, f"Its runs have no source: {error}", self.clock.now())

    def _list(self, run: WorkflowRun, watched: Watched) -> list[Artifact]:
        """Return the wanted artifacts of a workflow run, from all pages, the expired ones among them."""
        path = f"/repos/{watched.name}/actions/runs/{run.id}/artifacts"
        answers = self.client.pages(path, {"per_page": 100})
        found = [one for answer in answers for one in decode(answer.body, ArtifactsAnswer).artifacts]
        return [
            Artifact(
                id=artifact.id,
                repository_id=run.repository_id,
                workflow_run_id=run.id,
                attempt=run.attempt,
                name=artifact.name,
                size=artifact.size_in_bytes,
                digest=artifact.digest,
                state=ArtifactState.EXPIRED if artifact.expired else ArtifactState.WANTED,
            )
            for artifact in newest(found)
            if any(fnmatchcase(artifact.name, pattern) for pattern in watched.artifacts)
        ]

    def _is_complete(self, found: list[Artifact], run: WorkflowRun, watched: Watched, settings: Settings) -> bool:
        """Tell whether every wanted name is there; while it isn't, wait for late ones for a time."""
        absent = [pattern for pattern in watched.artifacts if not any(fnmatchcase(one.name, pattern) for one in found)]
        waited = self.client.limits.server_now() - run.updated_at
        if absent and waited < settings.github.artifact_wait_minutes * 60:
            reason = f"waiting for artifacts: {', '.join(absent)}"
            self.store.ledger.settle(run, WorkflowRunState.ACCEPTED, reason, self.clock.now() + LATE_CHECK)
            return False
        if not found:
            self.store.ledger.settle(run, WorkflowRunState.EMPTY, "it uploaded no wanted artifact")
        return bool(found)

    def _take(self, run: WorkflowRun, watched: Watched, settings: Settings, artifact: Artifact, folder: Path) -> None:
        bounds = Bounds(
            most_bytes=settings.artifacts.max_total_bytes,
            seconds=settings.github.download_seconds,
            silence=settings.github.request_seconds,
            spare_bytes=int(settings.conditions.disk_pause_gigabytes * GIGABYTE),
        )
        downloader = Downloader(self.client, bounds, self.clock)
        try:
            path = downloader.fetch(watched.name, artifact, folder)
            if watched.attestation:
                verify(path, watched.name, self.client.token)
        except Gone:
            self.store.ledger.artifact(artifact, ArtifactState.EXPIRED, "it expired at GitHub")
            return
        except ArtifactRefused as error:
            self.store.ledger.artifact(artifact, ArtifactState.REFUSED, error.message)
            return
        finally:
            downloader.close()
        self.store.ledger.artifact(artifact, ArtifactState.DOWNLOADED, "", str(path))
        logger.info("%s run %s: %s downloaded", run.repository, run.id, artifact.name)

    def _close(self, run: WorkflowRun, folder: Path) -> None:
        """Make a run of what was downloaded; the queue and the ledger change in one step."""
        artifacts = self.store.ledger.artifacts(run)
        keep_only([Path(one.path) for one in artifacts if one.state == ArtifactState.DOWNLOADED and one.path], folder)
        refused = [artifact.reason for artifact in artifacts if artifact.state == ArtifactState.REFUSED]
        if not any(artifact.state == ArtifactState.DOWNLOADED for artifact in artifacts):
            state = WorkflowRunState.REFUSED if refused else WorkflowRunState.EXPIRED
            self.store.ledger.settle(run, state, " ".join(refused) or "all its artifacts had expired")
            return
        new = NewRun(
            key=run.key,
            origin="github",
            repository=run.repository,
            branch=run.branch,
            commit_sha=run.commit_sha,
            folder=str(folder),
            ordinal=run.created_at,
        )
        self.store.ledger.queue(run, new, self.clock.now())
        self.notifier.settled(workflow_matter(run.key))
        logger.info("%s run %s queued", run.repository, run.id)

    def _count(self, run: WorkflowRun, settings: Settings, error: GithubError) -> None:
        """Count a fault in what came; after the last attempt the workflow run is parked."""
        if run.failures + 1 >= settings.daemon.attempts:
            self.store.ledger.settle(run, WorkflowRunState.PARKED, error.message)
            hint = f"{error.message} `fixsmith retry {run.id}` tries again."
            self.notifier.needs_person(workflow_matter(run.key), f"A scan of {run.repository} can't be fetched", hint)
            return
        self.store.ledger.failed(run, self._later(run, settings), error.message)

    def _later(self, run: WorkflowRun, settings: Settings) -> float:
        """Return when to try a workflow run again after one more failure."""
        wait = delay(run.failures + 1, settings.daemon.retry_seconds, settings.daemon.retry_most_seconds)
        return self.clock.now() + wait
