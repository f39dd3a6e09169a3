"""The service: one thread fills the queue, one works through it, the main thread waits for signals."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from config.errors import Error
from config.reload import LiveSettings
from daemon.child import Launcher, ProcessLauncher
from daemon.clock import Clock, SystemClock
from daemon.command import FLOW
from daemon.conditions.readings import Sensors
from daemon.conditions.sensors import KeepAwake, sensors_of
from daemon.errors import StoreDamaged
from daemon.foundation import begin_anew, check_folders, foundation_of, listen_for_stops
from daemon.identity import Instance
from daemon.intake import Intake
from daemon.layout import Layout
from daemon.logs import set_up
from daemon.notify import Notifier
from daemon.runner import Runner
from daemon.store.database import prepare
from daemon.store.store import Store
from daemon.watch import FolderWatch

PATIENCE = 15.0
AFTER_TROUBLE = 30.0
SHUT_DOWN_MARGIN = 10.0
HURRY = 2  # stops after which nothing is waited for
logger = logging.getLogger("fixsmith.service")


class Loop:
    """A thread that does what is due, sleeps until more is, and outlives every error."""

    def __init__(
        self,
        name: str,
        step: Callable[[], float],
        trouble: Callable[[str, str], None],
        damaged: Callable[[StoreDamaged], None],
    ) -> None:
        self._step = step
        self._trouble = trouble
        self._damaged = damaged
        self._wake = threading.Event()
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def wake(self) -> None:
        """Have it look again now."""
        self._wake.set()

    def stop(self) -> None:
        """Have it end after what it is doing."""
        self._stop.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            wait = self._guarded()
            if wait > 0:
                self._wake.wait(wait)

    def _guarded(self) -> float:
        """Do a step; the one place where any exception is caught: it is recorded, and the step repeated later."""
        try:
            return self._step()
        except StoreDamaged as error:
            self._damaged(error)
        except Error as error:
            self._trouble(self.thread.name, str(error))
        except OSError as error:
            self._trouble(self.thread.name, f"{error.filename or 'the system'}: {error.strerror or error}")
        except Exception as error:
            logger.exception("%s failed", self.thread.name)
            self._trouble(self.thread.name, f"{type(error).__name__}; see the log")
        return AFTER_TROUBLE


class Service:
    """Everything that runs, put together. The arguments are what tests replace."""

    def __init__(
        self,
        config: Path | None,
        *,
        clock: Clock | None = None,
        sensors: Sensors | None = None,
        launcher: Launcher | None = None,
        show: Callable[[str, str], None] | None = None,
        flow: tuple[str, ...] = FLOW,
        echo: bool = False,
    ) -> None:
        self._stopped = threading.Event()
        self._stops, self._begins_anew = 0, False
        self._damage: StoreDamaged | None = None
        listen_for_stops(self.request_stop)
        self.live = LiveSettings(config, lambda changed: check_folders(changed, config))
        self.clock: Clock = clock or SystemClock()
        settings = self.live.current()
        self.foundation = foundation_of(settings)
        self.layout: Layout = self.foundation.layout
        self.layout.make()
        self.instance = Instance(self.layout.lock)
        self.instance.acquire(self.clock.now())
        self._log = set_up(self.layout.service_log, settings.daemon, echo=echo)
        notice = prepare(self.layout.database, self.layout.backups)
        self._stores = [Store.open(self.layout.database) for _ in range(2)]
        sensors = sensors or sensors_of(self.layout.state)
        self.keep_awake = KeepAwake()
        notifiers = [Notifier(store, self.live, self.clock, show) for store in self._stores]
        self.runner = Runner(
            self._stores[0], self.live, self.layout, sensors, self.clock, launcher or ProcessLauncher(),
            notifiers[0], self.keep_awake, flow,
        )  # fmt: skip
        self.intake = Intake(self._stores[1], self.live, self.layout, sensors, self.clock, notifiers[1], self._queued)
        self.work = Loop("runner", self._work, self._trouble, self._end_damaged)
        self.incoming = Loop("intake", self._take_in, self._trouble, self._end_damaged)
        seconds, notes = self.foundation.drop_poll_seconds, Path(self.foundation.notes).expanduser()
        self.watches = [FolderWatch(self.layout.drop, self.incoming.wake, seconds, config)]
        if self.foundation.notes and notes.is_dir():
            self.watches.append(FolderWatch(notes, self.incoming.wake, seconds))
        if notice:
            notifiers[0].needs_person("store", "The database was damaged", notice)
        else:
            notifiers[0].settled("store")

    def run(self) -> int:
        """Work until a signal says stop; return the exit code."""
        signal.signal(signal.SIGHUP, self.wake)
        logger.info("started on %s", self.layout.workspace)
        self.runner.recover()
        self.incoming.thread.start()
        self.work.thread.start()
        for watch in self.watches:
            watch.start()
        self.incoming.wake()  # for what changed before it was watched
        self._stopped.wait()
        self._shut_down()
        if self._damage is not None:
            raise self._damage  # whoever started it starts it again, which mends the database
        if self._begins_anew:
            begin_anew(lambda: self._stops > 0)
        return 0

    def request_stop(self, *_: object) -> None:
        """Have everything checkpoint and end; safe in a signal handler.

        The second time it is left to the run's leash to end it, and to the next start to put it back.
        """
        self._stops += 1
        self._stopped.set()

    def wake(self, *_: object) -> None:
        """Have everything look again now; safe in a signal handler."""
        self.intake.renew()
        self.incoming.wake()
        self.work.wake()

    def _take_in(self) -> float:
        """One step of the intake; where the settings ask for another foundation, everything ends and begins anew."""
        if foundation_of(self.live.current()) == self.foundation:
            wait = self.intake.step()
            for watch in self.watches:
                watch.refresh()
            return wait
        logger.info("the settings ask for other folders or logs: beginning anew")
        self._begins_anew = True
        self._stopped.set()
        return AFTER_TROUBLE

    def _work(self) -> float:
        """One step of the runner; without patience where something else waits for this thread."""
        return self.runner.step(PATIENCE)

    def _queued(self) -> None:
        """Wake the runner if it rests: there may be something in the queue."""
        if not self.runner.is_working:
            self.work.wake()

    def _trouble(self, where: str, what: str) -> None:
        logger.error("%s: %s", where, what)

    def _end_damaged(self, error: StoreDamaged) -> None:
        """End: nothing can be written any more. The run at work notices by its leash, and checkpoints."""
        logger.error("%s", error)
        self._damage = error
        self._stopped.set()

    def _shut_down(self) -> None:
        begun = self.runner.is_working and not self._damage
        seconds = self.live.current().daemon.stop_seconds
        logger.info("stopping%s", f": the run at work checkpoints first, {seconds:g} s at most" if begun else "")
        for watch in self.watches:
            watch.stop()
        self.incoming.stop()
        self.runner.request_stop()
        patience = 0.0 if self._damage else seconds + SHUT_DOWN_MARGIN
        deadline = self.clock.monotonic() + patience
        while self.runner.is_working and self.clock.monotonic() < deadline and self._stops < HURRY:
            self.work.thread.join(0.1)
        self.work.stop()
        if self._stops < HURRY:
            self.work.thread.join(SHUT_DOWN_MARGIN)
            self.incoming.thread.join(5.0)
        self.keep_awake.set(False)
        logger.info("stopped")
        self.instance.release()
