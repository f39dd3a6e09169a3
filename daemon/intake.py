"""What comes in: the drop folder and GitHub, looked at when they are due."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from config.errors import Error, Postponed
from config.reload import LiveSettings
from config.settings import Github, Settings, Watched
from daemon.backoff import delay
from daemon.clock import Clock
from daemon.command import watched_by_name
from daemon.conditions.readings import Sensors
from daemon.dropfolder import DropFolder
from daemon.errors import GithubError, RateLimited, TokenRefused
from daemon.github.client import Client
from daemon.github.fetch import Fetcher
from daemon.github.limits import Limits
from daemon.github.poll import Poller
from daemon.housekeeping import Housekeeping
from daemon.layout import Layout
from daemon.notify import Notifier
from daemon.secret import Secret
from daemon.store.records import WorkflowRun, WorkflowRunState
from daemon.store.store import Store
from daemon.tokens import github_token

OPEN = (WorkflowRunState.CANDIDATE, WorkflowRunState.ACCEPTED)
METERED_SECONDS = 900.0
POLL_BACKOFF_MOST = 900.0
LONGEST = 3600.0
logger = logging.getLogger("fixsmith.intake")


class Intake:
    """Fills the queue. `step` does what is due and says when to come again."""

    def __init__(
        self,
        store: Store,
        live: LiveSettings,
        layout: Layout,
        sensors: Sensors,
        clock: Clock,
        notifier: Notifier,
        queued: Callable[[], None] = lambda: None,
        token: Callable[[Github], Secret] = github_token,
    ) -> None:
        self.store, self.live, self.layout, self.sensors, self.clock = store, live, layout, sensors, clock
        self.notifier, self._queued, self._token = notifier, queued, token
        self.drop = DropFolder(store, clock, layout.drop, layout.downloads)
        self.housekeeping = Housekeeping(store, layout, clock)
        self.requests_made = 0
        self._client: Client | None = None
        self._problem = ""
        self._is_stale = threading.Event()

    def renew(self) -> None:
        """Ask for the token again at the next step; safe from another thread or a signal handler."""
        self._is_stale.set()

    def step(self) -> float:
        """Do what is due; return the seconds until something is due again."""
        settings = self.live.current()
        if self._is_stale.is_set():
            self._is_stale.clear()
            self._forget_token()
        self._tell_of_settings()
        waits = [self._drop(settings), self._github(settings), self.housekeeping.step(settings)]
        self._queued()
        return min(max(0.05, min(wait for wait in waits if wait is not None)), LONGEST)

    def _forget_token(self) -> None:
        if self._client is not None:
            self.requests_made += self._client.requests_made
            self._client.close()
            self._client = None

    def _tell_of_settings(self) -> None:
        problem = str(self.live.problem or "")
        if problem != self._problem:
            self._problem = problem
            self.store.note("settings_problem", problem, self.clock.now())
            if problem:
                self.notifier.needs_person("settings", "The changed settings aren't valid", problem)
            else:
                self.notifier.settled("settings")

    def _drop(self, settings: Settings) -> float | None:
        try:
            wait = self.drop.step(settings.daemon.drop_settle_seconds)
            self.notifier.settled("drop")
            return wait
        except Error as error:
            self.notifier.needs_person("drop", "The drop folder can't be used", error.message)
            return settings.daemon.drop_poll_seconds

    def _github(self, settings: Settings) -> float | None:
        """Poll and fetch; a limit or a lost network holds back all of it, a fault of one repository only that."""
        watched = [one for one in settings.github.repositories if not one.paused]
        if not watched:
            return None
        try:
            client = self._connect(settings)
            for one in watched:
                self._poll(client, one, settings)
            self._fetch(client, settings)
        except RateLimited as error:
            self.store.note("quota", {"remaining": 0, "resets_at": error.until}, self.clock.now())
            logger.info("%s", error.message)
            return max(1.0, error.until - self.clock.now())
        except TokenRefused as error:
            self._forget_token()
            self.notifier.needs_person("token", "GitHub's token is needed", str(error))
            self.store.note("github_problem", str(error), self.clock.now())
            return float(settings.github.poll_seconds)
        except Postponed as error:
            self.store.note("github_problem", str(error), self.clock.now())
            return float(min(settings.github.poll_seconds, METERED_SECONDS))
        except Error as error:
            self.notifier.needs_person("github", "GitHub can't be watched", str(error))
            self.store.note("github_problem", str(error), self.clock.now())
            return float(min(settings.github.poll_seconds, METERED_SECONDS))
        finally:
            if self._client is not None:
                self._client.close()
        return self._next(watched)

    def _connect(self, settings: Settings) -> Client:
        """Return the client, a new one after a change of the settings."""
        if self._client is not None and self._client.settings != settings.github:
            self._forget_token()
        if self._client is None:
            token = self._token(settings.github)
            self._client = Client(settings.github, token, self.clock, Limits(self.clock))
        return self._client

    def _poll(self, client: Client, watched: Watched, settings: Settings) -> None:
        known = self.store.ledger.repository(watched.name)
        if known is not None and known.next_poll_at > self.clock.now():
            return
        try:
            moved = Poller(self.store, client, self.clock).poll(watched, settings)
        except (RateLimited, TokenRefused):
            raise
        except GithubError as error:
            self._poll_failed(watched, known.failures if known else 0, error, settings)
            return
        self._in_order(client, watched, moved)

    def _in_order(self, client: Client, watched: Watched, moved: int) -> None:
        for matter in ("token", "github", f"repository-{watched.name}"):
            self.notifier.settled(matter)
        if self.store.fact_at("github_problem") is not None:
            self.store.forget("github_problem")
        limits = client.limits
        if moved or self.store.fact_at("quota") is None:
            quota = {"limit": limits.limit, "remaining": limits.remaining, "resets_at": limits.resets_at}
            self.store.note("quota", quota, self.clock.now())

    def _poll_failed(self, watched: Watched, failures: int, error: GithubError, settings: Settings) -> None:
        most = max(POLL_BACKOFF_MOST, settings.github.poll_seconds)
        wait = delay(failures + 1, min(settings.daemon.retry_seconds, most), most)
        if self.store.ledger.repository(watched.name) is None:
            raise error
        self.store.ledger.poll_failed(watched.name, self.clock.now() + wait, str(error))
        logger.warning("%s: %s", watched.name, error.message)
        if failures >= settings.daemon.attempts:
            self.notifier.needs_person(f"repository-{watched.name}", f"{watched.name} can't be watched", str(error))

    def _fetch(self, client: Client, settings: Settings) -> None:
        by_name = {name: one for name, one in watched_by_name(settings).items() if not one.paused}
        names, now = tuple(by_name), self.clock.now()
        poller = Poller(self.store, client, self.clock)
        for run in self.store.ledger.due((WorkflowRunState.GOING,), names, now):
            self._guarded(run, settings, partial(poller.refresh, run, by_name[run.repository]))
        candidates = self.store.ledger.due(OPEN, names, now)
        if candidates and not settings.conditions.metered_download and self.sensors.read().metered:
            raise Postponed("The network is metered.", "Downloads wait for another one.")
        fetcher = Fetcher(self.store, client, self.clock, self.layout.downloads)
        for run in candidates:
            if not self._guarded(run, settings, partial(fetcher.advance, run, by_name[run.repository], settings)):
                break

    def _guarded(self, run: WorkflowRun, settings: Settings, act: Callable[[], None]) -> bool:
        """Do something for a workflow run; a fault on the way is noted, and it is tried again for ever."""
        try:
            act()
        except (RateLimited, TokenRefused):
            raise
        except Error as error:
            wait = delay(1, settings.daemon.retry_seconds, settings.daemon.retry_most_seconds)
            self.store.ledger.postpone(run, self.clock.now() + wait, error.message)
            logger.warning("%s run %s: %s", run.repository, run.id, error.message)
            return False
        return True

    def _next(self, watched: list[Watched]) -> float:
        """Return the seconds until the next look at a repository or a workflow run."""
        names = tuple(one.name for one in watched)
        times = [known.next_poll_at for known in self.store.ledger.repositories() if known.name in names]
        due = self.store.ledger.next_due((*OPEN, WorkflowRunState.GOING), names)
        return min([*times, *([due] if due is not None else [])], default=0.0) - self.clock.now()
