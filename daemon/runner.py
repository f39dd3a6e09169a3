"""Working through the queue: one run at a time, in a child process, while the conditions allow it."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from config.reload import LiveSettings
from config.settings import Settings
from daemon import processes
from daemon.backoff import delay, longest_wait
from daemon.child import Launcher
from daemon.clock import Clock
from daemon.command import FLOW, command_line
from daemon.conditions.machine import Decision, State, day_time, decide
from daemon.conditions.readings import Sensors
from daemon.conditions.sensors import KeepAwake
from daemon.layout import Layout
from daemon.mirror import Mirrors
from daemon.notify import Notifier
from daemon.outcome import NOTHING, Outcome, Verdict, judge
from daemon.places import REVIEW, run_matter
from daemon.store.records import Run, RunState
from daemon.store.store import Store
from daemon.work import Stop, Work, may_go_on, recorded_process
from pipeline.stage import Progress

LEASE_SECONDS = 120.0
BEAT_SECONDS = 30.0
PROGRESS_SECONDS = 2.0
MEMORY_SECONDS = 10.0
IDLE = 3600.0
GIGABYTE = 1024**3
logger = logging.getLogger("fixsmith.runner")


class Runner:
    """Takes runs from the queue, one after the other. `step` never blocks longer than its patience."""

    def __init__(
        self,
        store: Store,
        live: LiveSettings,
        layout: Layout,
        sensors: Sensors,
        clock: Clock,
        launcher: Launcher,
        notifier: Notifier,
        keep_awake: KeepAwake,
        flow: tuple[str, ...] = FLOW,
        ended: Callable[[str, float, processes.Identity | None], int] = processes.end,
    ) -> None:
        self.store, self.live, self.layout, self.sensors, self.clock = store, live, layout, sensors, clock
        self.launcher, self.notifier, self.keep_awake, self.flow = launcher, notifier, keep_awake, flow
        self._end = ended
        self._state = State()
        self._work: Work | None = None
        self._stopping = threading.Event()
        self._judged_at: float | None = None
        self._decision = Decision(False, (), False)

    def recover(self) -> None:
        """End what a service before this one left running, and put its runs back."""
        for run in self.store.queue.in_state(RunState.RUNNING):
            token, recorded = run.token or "", recorded_process(run)
            ended = self._end(token, self.live.current().daemon.stop_seconds, recorded)
            logger.info("run %s was interrupted; %s processes ended", run.id, ended)
            self._interrupted(run, token, "the service was interrupted")

    def request_stop(self) -> None:
        """Have the run at work checkpoint and stop, and begin no other; safe from a signal handler."""
        self._stopping.set()
        self.wake()

    def wake(self) -> None:
        """Make a waiting `step` return."""
        work = self._work
        if work is not None:
            work.child.wake()

    @property
    def is_working(self) -> bool:
        """Tell whether a run is at work."""
        return self._work is not None

    def step(self, patience: float) -> float:
        """Do what is due, listening to the child for at most `patience`; return when to come again, in seconds."""
        if self._work is not None:
            self._supervise(self._work, patience)
            return 0.0
        return IDLE if self._stopping.is_set() else self._begin()

    def _begin(self) -> float:
        settings = self.live.current()
        paused = tuple(watched.name for watched in settings.github.repositories if watched.paused)
        run = self.store.queue.due(self.clock.now(), paused, longest_wait(settings))
        if run is None:
            self._rest()
            due = self.store.queue.next_due(paused)
            return IDLE if due is None else max(0.1, due - self.clock.now())
        if run.prepared and (reason := self._why_untrained(run, settings)):
            self._leave_untrained(run, reason)
            return 0.0
        decision = self._judge(settings)
        reached = self.store.queue.progress_of(run.id) if run.prepared else None
        if not may_go_on(run, decision, settings, reached.stage if reached else ""):
            self.keep_awake.set(False)
            return min(settings.conditions.check_seconds, max(0.1, settings.conditions.settle_seconds))
        self._start(run, settings)
        return 0.0

    def _why_untrained(self, run: Run, settings: Settings) -> str:
        """Return why a run with its data sets isn't trained, empty when it is."""
        if settings.fine_tuning.skip_in_daemon:
            return "data sets only: fine_tuning.skip_in_daemon"
        if settings.daemon.newest_only and self.store.queue.has_newer(run):
            return "data sets only: a newer run trains"
        return ""

    def _leave_untrained(self, run: Run, reason: str) -> None:
        if self.store.queue.leave_untrained(run.id, reason, self.clock.now()):
            logger.info("run %s is done: %s", run.id, reason)
            self.notifier.result(f"Run {run.id} is done", reason)

    def _rest(self) -> None:
        """Nothing to do: no readings are taken, nothing is waited for, the machine may sleep."""
        self._judged_at = None
        self.keep_awake.set(False)
        if self.store.fact_at("waiting") is not None:
            self.store.forget("waiting")

    def _judge(self, settings: Settings) -> Decision:
        """Look at the machine and decide; what is waited for is noted when it changes."""
        now = self.clock.now()
        slept = self._judged_at is not None and now - self._judged_at > 10 * settings.conditions.check_seconds
        if slept and self._work is None:
            self._state = State()  # what was good before proves nothing now
        self._judged_at = now
        readings = self.sensors.read()
        self._state, decision = decide(self._state, readings, settings.conditions, now, day_time(now))
        if decision != self._decision:
            self.store.note("waiting", {"for": decision.waiting_for, "readings": readings}, now)
        self._decision = decision
        return decision

    def _start(self, run: Run, settings: Settings) -> None:
        token = secrets.token_hex(16)
        now = self.clock.now()
        command = command_line(
            self.flow,
            run,
            self.store.queue.before(run),
            settings,
            self.layout.workspace,
            self.live.path,
            fine_tuning=run.prepared,
            mirror=self._mirror(run),
        )
        if not self.store.queue.lease(run, token, run.prepared, now, now + LEASE_SECONDS):
            return
        leased = msgspec.structs.replace(run, token=token, state=RunState.RUNNING)
        try:
            child = self.launcher.start(command, token, self.layout.run_log(run.id))
        except OSError as error:
            reason = f"the flow can't be started: {error.strerror}"
            self._failed(leased, token, reason)
            return
        self.keep_awake.set(self._decision.keep_awake)
        tick = self.clock.monotonic()
        self._work = Work(leased, token, child, tick, tick, tick, tick)
        self.store.queue.started(run.id, token, child.pid, processes.started(child.pid))
        logger.info("run %s: %s", run.id, "training" if run.prepared else "data sets")

    def _mirror(self, run: Run) -> Path | None:
        known = self.store.ledger.repository(run.repository) if run.repository else None
        return None if known is None else Mirrors(self.layout.mirrors).path(known.id, known.name)

    def _supervise(self, work: Work, patience: float) -> None:
        """Listen, keep the lease, watch conditions, memory and silence; conclude when it has ended."""
        for line in work.child.listen(patience):
            self._hear(work, line)
        code = work.child.exit_code()
        if code is not None:
            for line in work.child.listen(0.0):
                self._hear(work, line)
            self._conclude(work, code)
            return
        settings, tick = self.live.current(), self.clock.monotonic()
        if work.stop is not None:
            if tick >= work.stop_by:
                logger.warning("run %s didn't stop in time and is killed", work.run.id)
                work.child.kill()
            return
        self._keep_lease(work, tick)
        self._watch(work, settings, tick)

    def _keep_lease(self, work: Work, tick: float) -> None:
        if tick - work.beat_at >= BEAT_SECONDS:
            work.beat_at = tick
            if not self.store.queue.beat(work.run.id, work.token, self.clock.now() + LEASE_SECONDS):
                self._stop(work, Stop.LOST)

    def _watch(self, work: Work, settings: Settings, tick: float) -> None:
        if self._stopping.is_set():
            self._stop(work, Stop.SHUTDOWN)
            return
        if tick - work.checked_at >= settings.conditions.check_seconds:
            work.checked_at = tick
            decision = self._judge(settings)
            self.keep_awake.set(decision.keep_awake)
            if not may_go_on(work.run, decision, settings, work.stage):
                self._stop(work, Stop.CONDITIONS)
                return
        limit = settings.daemon.memory_gigabytes * GIGABYTE
        if limit and tick - work.weighed_at >= MEMORY_SECONDS:
            work.weighed_at = tick
            if work.child.resident() > limit:
                self._stop(work, Stop.MEMORY)
                return
        silence = settings.daemon.silence_seconds
        if silence and tick - work.heard_at > silence:
            self._stop(work, Stop.SILENCE)

    def _stop(self, work: Work, why: Stop) -> None:
        if work.stop is None:
            logger.info("run %s is asked to stop: %s", work.run.id, why)
            work.stop = why
            work.stop_by = self.clock.monotonic() + self.live.current().daemon.stop_seconds
            work.child.request_stop()

    def _hear(self, work: Work, line: dict[str, Any]) -> None:
        """Take in one line of the child: progress, an error, or the summary."""
        work.heard_at = self.clock.monotonic()
        if line.get("event") == "summary":
            work.said = line
        elif line.get("event") == "error":
            work.kind = str(line.get("kind", ""))
            work.error = str(line.get("message", "")) if work.kind == NOTHING else _said(line)
        elif line.get("event") == "review":
            self.notifier.needs_person(REVIEW, "A release waits for your review", f"Run {work.run.id}: {_said(line)}")
        elif "stage" in line:
            self._note_progress(work, line)

    def _note_progress(self, work: Work, line: dict[str, Any]) -> None:
        tick = self.clock.monotonic()
        if line["stage"] == work.stage and tick - work.noted_at < PROGRESS_SECONDS:
            return
        try:
            progress = msgspec.convert(line, Progress)
        except msgspec.ValidationError:
            return
        self.store.queue.progress(work.run.id, progress, self.clock.now())
        work.stage, work.noted_at = progress.stage, tick

    def _conclude(self, work: Work, code: int) -> None:
        """Record what became of the run; only then is it forgotten here, so that a full disk loses nothing."""
        outcome = judge(code, work.error, stopped=None if work.stop is None else str(work.stop), kind=work.kind)
        run, token = work.run, work.token
        match outcome.verdict:
            case Verdict.FINISHED:
                self._finish(run, token, outcome, work.said)
            case Verdict.CLEAN:
                self.store.queue.finish(run, token, outcome.state, outcome.reason, None, self.clock.now())
                self.notifier.result(f"Run {run.id} is done", outcome.reason)
            case Verdict.AGAIN:
                why = "; ".join(self._decision.waiting_for) if work.stop == Stop.CONDITIONS else outcome.reason
                self.store.queue.put_back(run, token, self.clock.now() + outcome.wait, why)
            case Verdict.INTERRUPTED:
                self._interrupted(run, token, outcome.reason)
            case Verdict.FAILED:
                self._failed(run, token, outcome.reason)
        logger.info("run %s ended with %s: %s", run.id, code, outcome.reason or outcome.verdict)
        work.child.close()
        self._work = None

    def _finish(self, run: Run, token: str, outcome: Outcome, said: dict[str, Any] | None) -> None:
        result = None if said is None else msgspec.json.encode(said).decode()
        if outcome.state == RunState.DONE and not run.prepared:
            self.store.queue.prepare(run, token, result)
            return
        self.store.queue.finish(run, token, outcome.state, outcome.reason, result, self.clock.now())
        if outcome.state in (RunState.PARKED, RunState.REFUSED):
            self.notifier.needs_person(run_matter(run.id), f"Run {run.id} is {outcome.state}", outcome.reason)
        else:
            self.notifier.result(f"Run {run.id} is {outcome.state}", run.repository or run.origin)

    def _failed(self, run: Run, token: str, reason: str) -> None:
        settings = self.live.current().daemon
        if run.attempts + 1 >= settings.attempts:
            self.store.queue.finish(run, token, RunState.PARKED, reason, None, self.clock.now())
            self.notifier.needs_person(run_matter(run.id), f"Run {run.id} failed {run.attempts + 1} times", reason)
            return
        wait = delay(run.attempts + 1, settings.retry_seconds, settings.retry_most_seconds)
        self.store.queue.put_back(run, token, self.clock.now() + wait, reason, failed=True)

    def _interrupted(self, run: Run, token: str, reason: str) -> None:
        """Put a run back whose work was cut off; one that is cut off without end is parked."""
        if run.interruptions + 1 >= self.live.current().daemon.interruptions:
            self.store.queue.finish(run, token, RunState.PARKED, reason, None, self.clock.now())
            self.notifier.needs_person(run_matter(run.id), f"Run {run.id} is cut off again and again", reason)
            return
        self.store.queue.put_back(run, token, 0.0, reason, interrupted=True)


def _said(line: dict[str, Any]) -> str:
    return " ".join(str(line.get(key, "")) for key in ("message", "hint")).strip()
