"""What the service is doing, and why, as one JSON-ready record: what `fixsmith status` shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from config.errors import SettingsError
from config.load import valid_part
from config.reload import LiveSettings
from config.settings import Settings, Watched
from daemon.errors import StoreError
from daemon.identity import holder
from daemon.layout import layout_of, obstacle
from daemon.places import REVIEW, SETTINGS, problems_of, problems_of_githubs, told
from daemon.store.records import Run, RunProgress, RunState, WorkflowRunState
from daemon.store.store import Store

SHOWN = 8
ENDED = (RunState.DONE, RunState.NOT_BETTER, RunState.REFUSED)
MATTERS = ("store", "drop", "notes", "housekeeping", REVIEW)
OPEN = (WorkflowRunState.CANDIDATE, WorkflowRunState.ACCEPTED)
REFUSALS = (WorkflowRunState.REFUSED, WorkflowRunState.EXPIRED, WorkflowRunState.EMPTY, WorkflowRunState.PARKED)


class Work(msgspec.Struct, frozen=True):
    """The run at work: its stage, how far, and the seconds it has left if that can be told."""

    run: Run
    progress: RunProgress | None
    seconds_left: float | None


class Watching(msgspec.Struct, frozen=True):
    """A watched repository: when it was and will be looked at, and what is wrong with it."""

    name: str
    paused: bool
    polled_at: float | None = None
    next_poll_at: float | None = None
    problem: str | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """Everything `status` tells. Times are seconds since 1970."""

    at: float
    state: str
    pid: int | None
    since: float | None
    workspace: str
    work: Work | None
    waiting_for: list[str]
    readings: dict[str, Any]
    repositories: list[Watching]
    queued: list[Run]
    parked: list[Run]
    ended: list[Run]
    champion: dict[str, Any] | None
    refused: list[dict[str, Any]]
    counts: dict[str, dict[str, int]]
    quota: dict[str, Any] | None
    problems: list[str]
    readings_at: float | None = None
    coming: list[dict[str, Any]] = []


def look(config: Path | None, now: float) -> Snapshot:
    """Return a snapshot whatever happens: where the store can't be read, one of state `unknown` that says why."""
    try:
        return snapshot(config, now)
    except StoreError as error:
        settings, _ = _settings(config)
        return _empty(now, str(layout_of(settings).workspace), [str(error)], settings)


def snapshot(config: Path | None, now: float) -> Snapshot:
    """Look at the service from outside, without disturbing it; raises StoreError where its store can't be read."""
    settings, problem = _settings(config)
    layout = layout_of(settings)
    held = holder(layout.lock)
    problems = [found for found in (problem, obstacle(layout.state)) if found]
    if not layout.database.exists():
        return _empty(now, str(layout.workspace), problems, settings)
    store = Store.open(layout.database, read_only=True)
    try:
        problems = list(dict.fromkeys([*problems, *_problems(store, settings)]))
        return Snapshot(
            at=now,
            state=_state(store, running=held is not None),
            pid=held.pid if held else None,
            since=held.since if held else None,
            workspace=str(layout.workspace),
            work=_work(store, now),
            queued=store.queue.in_state(RunState.QUEUED)[::-1],
            parked=store.queue.in_state(RunState.PARKED),
            ended=store.queue.in_state(*ENDED, limit=SHOWN),
            champion=_champion(store),
            repositories=[_watching(store, one) for one in settings.github.repositories],
            refused=[_refusal(run) for run in store.ledger.recent(REFUSALS, SHOWN)],
            coming=[_refusal(run) for run in store.ledger.recent(OPEN, SHOWN) if run.reason],
            counts={"runs": store.queue.counts(), "workflow_runs": store.ledger.counts()},
            quota=store.fact("quota", dict[str, Any]),
            problems=problems,
            **_waiting(store),
        )
    finally:
        store.close()


def _settings(config: Path | None) -> tuple[Settings, str | None]:
    try:
        return LiveSettings(config).current(), None
    except SettingsError as error:
        return valid_part(config), str(error)


def _empty(now: float, workspace: str, problems: list[str], settings: Settings) -> Snapshot:
    watching = [Watching(one.name, one.paused) for one in settings.github.repositories]
    return Snapshot(
        now,
        "unknown" if problems else "never started",
        None,
        None,
        workspace,
        None,
        [],
        {},
        watching,
        [],
        [],
        [],
        None,
        [],
        {"runs": {}, "workflow_runs": {}},
        None,
        problems,
    )


def _state(store: Store, *, running: bool) -> str:
    if not running:
        return "not running"
    if store.queue.in_state(RunState.RUNNING, limit=1):
        return "working"
    if not store.queue.in_state(RunState.QUEUED, limit=1):
        return "idle"
    return "waiting"


def _work(store: Store, now: float) -> Work | None:
    running = store.queue.in_state(RunState.RUNNING, limit=1)
    if not running:
        return None
    progress = store.queue.progress_of(running[0].id)
    return Work(running[0], progress, seconds_left(progress, now))


def seconds_left(progress: RunProgress | None, now: float) -> float | None:
    """Return the seconds a stage still takes if it goes on at the pace it had so far."""
    if progress is None or not progress.total or progress.done <= 0 or progress.done >= progress.total:
        return None
    elapsed = max(0.0, min(now, progress.at) - progress.stage_since)
    return elapsed * (progress.total - progress.done) / progress.done


def _champion(store: Store) -> dict[str, Any] | None:
    """Return the newest run that released a model, with what each reigning specialist was measured to be better by."""
    newest: dict[str, Any] | None = None
    figures: dict[str, str] = {}
    for run in store.queue.in_state(RunState.DONE, limit=100):
        said = msgspec.json.decode(run.result) if run.result else {}
        stages = said.get("stages", {})
        if not stages.get("publish", {}).get("models"):
            continue
        if newest is None:
            release = said.get("paths", {}).get("release")
            newest = {"run": run.id, "finished_at": run.finished_at, "repository": run.repository, "release": release}
        for specialist, figure in stages.get("gate", {}).get("figures", {}).items():
            figures.setdefault(specialist, figure if run.id == newest["run"] else f"{figure} (run {run.id})")
    return None if newest is None else {**newest, "figures": figures}


def _watching(store: Store, watched: Watched) -> Watching:
    known = store.ledger.repository(watched.name)
    if known is None:
        return Watching(watched.name, watched.paused)
    said = [known.problem, *(store.fact(name, str) for name in problems_of(watched))]
    problem = " ".join(text for text in said if text) or None
    return Watching(watched.name, watched.paused, known.polled_at, known.next_poll_at, problem)


def _refusal(run: Any) -> dict[str, Any]:
    return {"repository": run.repository, "workflow_run": run.id, "state": run.state, "reason": run.reason}


def _waiting(store: Store) -> dict[str, Any]:
    fact = store.fact_at("waiting")
    if fact is None:
        return {"waiting_for": [], "readings": {}}
    return {"waiting_for": list(fact.value["for"]), "readings": fact.value["readings"], "readings_at": fact.at}


def _problems(store: Store, settings: Settings) -> list[str]:
    names = (SETTINGS, *problems_of_githubs(settings), *map(told, MATTERS))
    found = [store.fact(name, str) for name in names]
    return [text for text in found if text]
