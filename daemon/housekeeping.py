"""Once a day: a backup of the store, and what is no longer needed goes."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from config.settings import Settings
from daemon.clock import Clock
from daemon.command import earlier_tree
from daemon.layout import Layout
from daemon.logs import MEGABYTE, cap
from daemon.store.database import back_up
from daemon.store.store import Store

DAY = 86_400.0
GITHUB_KEEPS_DAYS = 401  # GitHub drops workflow runs after 400 days at most: none can come again
logger = logging.getLogger("fixsmith.housekeeping")


class Housekeeping:
    """Does the daily work when a day has passed since the last time."""

    def __init__(self, store: Store, layout: Layout, clock: Clock) -> None:
        self.store = store
        self.layout = layout
        self.clock = clock

    def step(self, settings: Settings) -> float:
        """Do it if it is due; return the seconds until it is."""
        now = self.clock.now()
        last = self.store.fact("housekeeping", float)
        if last is None or now - last >= DAY:
            self._tidy(settings, now)
            self.store.note("housekeeping", now, now)
            last = now
        return last + DAY - now

    def _tidy(self, settings: Settings, now: float) -> None:
        back_up(self.store.connection, self.layout.backups, "daily")
        before = now - settings.daemon.keep_days * DAY
        for run in self.store.queue.expendable(settings.daemon.keep_runs, before):
            for folder in (Path(run.folder), earlier_tree(run)):
                shutil.rmtree(folder, ignore_errors=True)
            self.layout.run_log(run.id).unlink(missing_ok=True)
        self.store.ledger.forget(now - GITHUB_KEEPS_DAYS * DAY)
        for log in (*self.layout.logs.glob("run-*.log"), self.layout.logs / "launchd.log"):
            cap(log, int(settings.daemon.log_megabytes * MEGABYTE))
        self._remove_abandoned(before)

    def _remove_abandoned(self, before: float) -> None:
        """Remove parts of downloads that nothing goes on with."""
        for path in self.layout.downloads.glob("*.tmp"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.layout.downloads.glob("*/*.part"):
            if _modified(path) < before:
                path.unlink(missing_ok=True)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
