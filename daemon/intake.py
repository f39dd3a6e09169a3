"""What comes in: the drop folder and GitHub, looked at when they are due."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

from config.errors import Error, Postponed
from config.reload import LiveSettings
from config.secret import Secret
from config.settings import Github, Settings, Watched
from daemon.backoff import delay, longest_wait, waits
from daemon.clock import Clock
from daemon.conditions.readings import Sensors
from daemon.dropfolder import DropFolder
from daemon.errors import Forbidden, GithubError, Missing, RateLimited, StoreError, TokenRefused
from daemon.github.client import Client
from daemon.github.fetch import Fetcher
from daemon.github.limits import Limits
from daemon.github.poll import Poller
from daemon.housekeeping import Housekeeping
from daemon.layout import Layout
from daemon.mirror import Mirrors
from daemon.notes import Notes
from daemon.notify import Notifier
from daemon.places import SETTINGS, access_problem, github_problem, place_of, workflow_matter
from daemon.store.records import WorkflowRun, WorkflowRunState
from daemon.store.store import Store
from daemon.tokens import github_token

OPEN = (WorkflowRunState.CANDIDATE, WorkflowRunState.ACCEPTED)
METERED_SECONDS = 900.0
POLL_BACKOFF_MOST = 900.0
LONGEST = 3600.0
PART_SECONDS = 300.0
SHOWN = 3
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
        self.notes = Notes(store, clock, layout.downloads)
        self.housekeeping = Housekeeping(store, layout, clock)
        self.mirrors = Mirrors(layout.mirrors)
        self.requests_made = 0
        self._clients: dict[Github, Client] = {}
        self._problem = ""
        self._faults: Counter[str] = Counter()
        self._is_stale = threading.Event()

    def renew(self) -> None:
        """Ask for the token again at the next step; safe from another thread or a signal handler."""
        self._is_stale.set()

    def step(self) -> float:
        """Do what is due; return the seconds until something is due again."""
        settings = self.live.current()
        if self._is_stale.is_set():
            self._is_stale.clear()
            self._forget_tokens()
        self._tell_of_settings()
        waits = [
            self._apart("drop", "The drop folder can't be used", partial(self._drop, settings)),
            self._apart("notes", "The notes can't be watched", partial(self.notes.step, settings)),
            self._github(settings),
            self._apart("housekeeping", "The daily work can't be done", partial(self.housekeeping.step, settings)),
        ]
        self._queued()
        return min(max(0.05, min(wait for wait in waits if wait is not None)), LONGEST)

    def _forget_tokens(self) -> None:
        for github in list(self._clients):
            self._forget_token(github)

    def _forget_token(self, github: Github) -> None:
        client = self._clients.pop(github, None)
        if client is not None:
            self.requests_made += client.requests_made
            client.close()

    def _tell_of_settings(self) -> None:
        problem = str(self.live.problem or "")
        if problem != self._problem:
            self._problem = problem
            self.store.note(SETTINGS, problem, self.clock.now())
            if problem:
                self.notifier.needs_person("settings", "The changed settings aren't valid", problem)
            else:
                self.notifier.settled("settings")

    def _apart(self, matter: str, title: str, act: Callable[[], float | None]) -> float | None:
        """Do one part of the work; what goes wrong in it is told and holds back no other part."""
        try:
            wait = act()
        except StoreError:
            raise
        except Error as error:
            self.notifier.needs_person(matter, title, str(error))
            return PART_SECONDS
        self.notifier.settled(matter)
        return wait

    def _drop(self, settings: Settings) -> float | None:
        wait = self.drop.step(settings.daemon.drop_settle_seconds)
        if names := self.drop.unreadable:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise Error(f"{', '.join(names[:SHOWN])}{more} can't be read.", "Check owner and mode; all else is taken.")
        return wait

    def _github(self, settings: Settings) -> float | None:
        """Poll and fetch at each GitHub (address and token) that is watched."""
        watched = [one for one in settings.github.repositories if not one.paused]
        asked = {settings.github.of(one): list[Watched]() for one in watched}
        for one in watched:
            asked[settings.github.of(one)].append(one)
        for stale in self._clients.keys() - asked.keys():
            self._forget_token(stale)
        return min((self._ask(github, group, settings) for github, group in asked.items()), default=None)

    def _ask(self, github: Github, watched: list[Watched], settings: Settings) -> float:
        """Do what is due at one GitHub; after a fault of all of it, each repository, for somebody may have mended it.

        A limit or a lost network holds back all of it, a fault of one repository only that.
        """
        problem, place = github_problem(github, settings), place_of(github, settings)
        try:
            client = self._connect(github)
            for one in watched:
                self._poll(client, one, settings)
            self._fetch(client, watched, settings)
        except RateLimited as error:
            self._note_quota(github, settings, {"remaining": 0, "resets_at": error.until})
            logger.info("%s", error.message)
            return max(1.0, error.until - self.clock.now())
        except TokenRefused as error:
            self._forget_token(github)
            self.notifier.needs_person(f"token:{place}", "GitHub's token is needed", str(error))
            self.store.note(problem, str(error), self.clock.now())
            return float(settings.github.poll_seconds)
        except Postponed as error:
            self.store.note(problem, str(error), self.clock.now())
            return float(min(settings.github.poll_seconds, METERED_SECONDS))
        except Error as error:
            self.notifier.needs_person(f"github:{place}", "GitHub can't be watched", str(error))
            self.store.note(problem, str(error), self.clock.now())
            return float(min(settings.github.poll_seconds, METERED_SECONDS))
        finally:
            if github in self._clients:
                self._clients[github].close()
        return self._next(watched)

    def _connect(self, github: Github) -> Client:
        if github not in self._clients:
            self._clients[github] = Client(github, self._token(github), self.clock, Limits(self.clock))
        return self._clients[github]

    def _poll(self, client: Client, watched: Watched, settings: Settings) -> None:
        known = self.store.ledger.repository(watched.name)
        mended = self.store.fact_at(github_problem(client.settings, settings)) is not None
        if known is not None and not mended and waits(known.next_poll_at, self.clock.now(), longest_wait(settings)):
            return
        try:
            moved = Poller(self.store, client, self.clock).poll(watched, settings)
        except (RateLimited, TokenRefused):
            raise
        except GithubError as error:
            self._poll_failed(watched, known.failures if known else 0, error, settings)
            return
        self._in_order(client, watched, settings, moved)

    def _in_order(self, client: Client, watched: Watched, settings: Settings, moved: int) -> None:
        place = place_of(client.settings, settings)
        for matter in (f"token:{place}", f"github:{place}", f"repository-{watched.name}"):
            self.notifier.settled(matter)
        problem = github_problem(client.settings, settings)
        if self.store.fact_at(problem) is not None:
            self.store.forget(problem)
        limits = client.limits
        if moved or self.store.fact_at("quota") is None:
            quota = {"limit": limits.limit, "remaining": limits.remaining, "resets_at": limits.resets_at}
            self._note_quota(client.settings, settings, quota)

    def _note_quota(self, github: Github, settings: Settings, quota: dict[str, float | None]) -> None:
        if not place_of(github, settings):
            self.store.note("quota", quota, self.clock.now())

    def _poll_failed(self, watched: Watched, failures: int, error: GithubError, settings: Settings) -> None:
        most = max(POLL_BACKOFF_MOST, settings.github.poll_seconds)
        wait = delay(failures + 1, min(settings.daemon.retry_seconds, most), most)
        self.store.ledger.poll_failed(watched.name, self.clock.now(), wait, str(error))
        logger.warning("%s: %s", watched.name, error.message)
        if failures >= settings.daemon.attempts or isinstance(error, Missing | Forbidden):
            self.notifier.needs_person(f"repository-{watched.name}", f"{watched.name} can't be watched", str(error))

    def _fetch(self, client: Client, watched: list[Watched], settings: Settings) -> None:
        by_name = {one.name: one for one in watched}
        names, now = tuple(by_name), self.clock.now()
        poller = Poller(self.store, client, self.clock)
        for run in self.store.ledger.due((WorkflowRunState.GOING,), names, now, longest_wait(settings)):
            self._guarded(run, settings, partial(poller.refresh, run, by_name[run.repository]))
        candidates = self.store.ledger.due(OPEN, names, now, longest_wait(settings))
        if candidates and not settings.conditions.metered_download and self.sensors.read().metered:
            raise Postponed("The network is metered.", "Downloads wait for another one.")
        fetcher = Fetcher(self.store, client, self.clock, self.layout.downloads, self.mirrors, self.notifier)
        for run in candidates:
            if not self._guarded(run, settings, partial(fetcher.advance, run, by_name[run.repository], settings)):
                break

    def _guarded(self, run: WorkflowRun, settings: Settings, act: Callable[[], None]) -> bool:
        """Do something for a workflow run; a fault on the way is noted, and it is tried again for ever."""
        try:
            act()
        except (RateLimited, TokenRefused):
            raise
        except Forbidden as error:
            self.notifier.needs_person(access_problem(run.repository), f"{run.repository} isn't readable", error.hint)
            self.store.ledger.postpone(run, self.clock.now() + settings.github.poll_seconds, error.message)
            return False
        except Error as error:
            self._on_the_way(run, settings, error)
            return False
        self.notifier.settled(access_problem(run.repository))
        if self._faults.pop(run.key, 0):
            self.notifier.settled(workflow_matter(run.key))
        return True

    def _on_the_way(self, run: WorkflowRun, settings: Settings, error: Error) -> None:
        """Postpone a workflow run, longer after each fault in a row; one that lasts is told."""
        self._faults[run.key] += 1
        faults, chosen = self._faults[run.key], settings.daemon
        wait = delay(faults, chosen.retry_seconds, chosen.retry_most_seconds)
        self.store.ledger.postpone(run, self.clock.now() + wait, error.message)
        logger.warning("%s run %s: %s", run.repository, run.id, error.message)
        if faults == chosen.attempts:
            title = f"A scan of {run.repository} doesn't arrive"
            self.notifier.needs_person(workflow_matter(run.key), title, f"{error} It is tried again.")

    def _next(self, watched: list[Watched]) -> float:
        """Return the seconds until the next look at a repository or a workflow run."""
        names = tuple(one.name for one in watched)
        times = [known.next_poll_at for known in self.store.ledger.repositories() if known.name in names]
        due = self.store.ledger.next_due((*OPEN, WorkflowRunState.GOING), names)
        return min([*times, *([due] if due is not None else [])], default=0.0) - self.clock.now()
