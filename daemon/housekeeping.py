"""Once a day: a backup of the store, and what is no longer needed goes."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

from config.errors import Error, Postponed
from config.settings import Settings
from daemon.clock import Clock
from daemon.layout import Layout
from daemon.logs import MEGABYTE, cap
from daemon.mirror import Mirrors
from daemon.store.database import back_up
from daemon.store.store import Store

DAY = 86_400.0
GITHUB_KEEPS_DAYS = 401  # GitHub drops workflow runs after 400 days at most: none can come again
PRUNE = (sys.executable, "-m", "daemon.cli", "models", "prune", "--yes")
PRUNE_SECONDS = 600.0
AGAIN_SECONDS = 3600.0
logger = logging.getLogger("fixsmith.housekeeping")


class Housekeeping:
    """Does the daily work when a day has passed since the last time."""

    def __init__(self, store: Store, layout: Layout, clock: Clock) -> None:
        self.store = store
        self.layout = layout
        self.clock = clock
        self._failure: Error | None = None
        self._again_at = 0.0

    def step(self, settings: Settings) -> float:
        """Do it if it is due; return the seconds until it is. Raises Error where it can't be done."""
        now = self.clock.now()
        last = self.store.fact("housekeeping", float)
        if last is None or abs(now - last) >= DAY:
            self._try(settings, now)
            self.store.note("housekeeping", now, now)
            last = now
        return min(DAY, last + DAY - now)

    def _try(self, settings: Settings, now: float) -> None:
        """Tidy; what failed is said again, and tried again only after an hour."""
        if self._failure is not None and self.clock.monotonic() < self._again_at:
            raise self._failure
        try:
            self._tidy(settings, now)
            self._failure = None
        except Error as error:
            self._failure, self._again_at = error, self.clock.monotonic() + AGAIN_SECONDS
            raise

    def _tidy(self, settings: Settings, now: float) -> None:
        back_up(self.store.connection, self.layout.backups, "daily")
        before = now - settings.daemon.keep_days * DAY
        for run in self.store.queue.expendable(settings.daemon.keep_runs, before):
            shutil.rmtree(Path(run.folder), ignore_errors=True)
            self.layout.run_log(run.id).unlink(missing_ok=True)
        self.store.ledger.forget(now - GITHUB_KEEPS_DAYS * DAY)
        for log in (*self.layout.logs.glob("run-*.log"), self.layout.logs / "launchd.log"):
            cap(log, int(settings.daemon.log_megabytes * MEGABYTE))
        self._remove_abandoned(before)
        self._remove_mirrors(settings)
        self._remove_models(settings.daemon.keep_models)

    def _remove_abandoned(self, before: float) -> None:
        """Remove parts of downloads that nothing goes on with."""
        for path in self.layout.downloads.glob("*.tmp"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.layout.downloads.glob("*/*.part"):
            if _modified(path) < before:
                path.unlink(missing_ok=True)

    def _remove_mirrors(self, settings: Settings) -> None:
        """Remove the clones of repositories that aren't watched any more."""
        mirrors, watched = Mirrors(self.layout.mirrors), {one.name for one in settings.github.repositories}
        known = [one for one in self.store.ledger.repositories() if one.name in watched]
        mirrors.drop_all_but({mirrors.path(one.id, one.name).name for one in known})

    def _remove_models(self, keep: int) -> None:
        """Have superseded models removed, by the command for that: it waits for no run at work, there is a next day."""
        runs = {folder.parent.parent for folder in (self.layout.workspace / "runs").glob("*/train-*/model")}
        if not keep or len(runs) <= keep:
            return
        command = [*PRUNE, "--keep", str(keep), "--output-dir", str(self.layout.workspace)]
        quiet = subprocess.DEVNULL
        try:
            code = subprocess.run(
                command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=PRUNE_SECONDS, check=False
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Error("Superseded models can't be removed.", "`fixsmith models prune` shows why.") from error
        if code not in (0, Postponed.exit_code):
            raise Error("Superseded models can't be removed.", "`fixsmith models prune` shows why.")


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
