"""The status for a person's eyes."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from daemon.conditions.machine import GIGABYTE
from daemon.conditions.readings import Readings
from daemon.snapshot import Snapshot, Watching, Work
from daemon.store.records import Run, RunState

DOWN = {
    "never started": "`fixsmith install` runs it from now on, `fixsmith run` in this terminal",
    "not running": "`fixsmith start` starts it where it is installed, `fixsmith run` in this terminal",
}
COLOURS = {"working": "green", "idle": "green", "waiting": "yellow", "not running": "red", "never started": "red"}


def render(found: Snapshot) -> Group:
    """Return the status as something rich prints."""
    parts: list[RenderableType] = [_heading(found)]
    if found.work is not None:
        parts += [_work(found.work)]
    label = "  training waits for " if found.state == "working" else "  waiting for "
    parts += [Text.assemble((label, "yellow"), what) for what in found.waiting_for]
    if found.state in DOWN:
        parts += [Text(f"  {DOWN[found.state]}", style="dim")]
    parts += _conditions(found)
    parts += [Text.assemble(("  problem ", "red bold"), what) for what in found.problems]
    parts += _repositories(found)
    parts += _runs("queue", found.queued, found.at)
    parts += _runs("parked", found.parked, found.at)
    parts += [Text("  `fixsmith retry RUN` puts one back", style="dim")] if found.parked else []
    parts += _runs("last runs", found.ended, found.at)
    parts += _champion(found.champion)
    parts += _workflow_runs("coming in", found.coming)
    parts += _workflow_runs("not taken", found.refused)
    return Group(*parts)


def ago(seconds: float | None) -> str:
    """Return a span as a person says it."""
    if seconds is None:
        return "–"
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"


def _heading(found: Snapshot) -> Text:
    since = f" for {ago(found.at - found.since)} (process {found.pid})" if found.since else ""
    quota = f", GitHub quota {_quota(found.quota)}" if found.quota and "remaining" in found.quota else ""
    return Text.assemble(
        ("fixsmith ", "bold"), (found.state, COLOURS.get(found.state, "")), since, f", {found.workspace}{quota}"
    )


def _quota(quota: dict[str, Any]) -> str:
    """Return what is left, and when there is more where nothing is."""
    until = quota.get("resets_at")
    if quota["remaining"] != 0 or until is None:
        return str(quota["remaining"])
    return f"0 until {time.strftime('%H:%M', time.localtime(until))}"


def _conditions(found: Snapshot) -> list[RenderableType]:
    """Return what the machine said when the conditions last became others, as far as it could tell."""
    if not found.readings:
        return []
    read = msgspec.convert(found.readings, Readings)
    said = (
        (read.on_mains is not None, "mains power" if read.on_mains else "on battery"),
        (read.battery is not None, f"battery {read.battery} %"),
        (read.thermal is not None, f"heat {read.thermal.name.lower()}" if read.thermal is not None else ""),
        (read.memory is not None, f"memory pressure {read.memory.name.lower()}" if read.memory is not None else ""),
        (read.display_on is not None, f"display {'on' if read.display_on else 'off'}"),
        (read.user_idle is not None, f"used {ago(read.user_idle)} ago"),
        (read.disk_free is not None, f"{(read.disk_free or 0) / GIGABYTE:.0f} GB free"),
        (bool(read.metered), "metered network"),
    )
    at = f"{ago(found.at - found.readings_at)} ago: " if found.readings_at else ""
    return [Text(f"  conditions {at}{', '.join(text for is_known, text in said if is_known)}", style="dim")]


def _work(work: Work) -> Table:
    table = Table.grid(padding=(0, 1))
    progress = work.progress
    what = f"{work.run.repository or work.run.origin} run {work.run.id}"
    if progress is None:
        table.add_row("  working", what)
        return table
    left = f"{ago(work.seconds_left)} left" if work.seconds_left is not None else ""
    bar = ProgressBar(total=progress.total or 1, completed=progress.done, width=24)
    table.add_row("  working", what, progress.stage, bar, progress.message, left)
    return table


def _repositories(found: Snapshot) -> list[RenderableType]:
    if not found.repositories:
        return [Text("  no repository is watched: `fixsmith init` adds one, or use the drop folder", style="dim")]
    table = _table("watching", "last look", "next look", "")
    for one in found.repositories:
        table.add_row(*_watching(one, found.at, running=found.pid is not None))
    return [table]


def _watching(one: Watching, now: float, *, running: bool) -> tuple[str, str, str, str]:
    if one.paused:
        return one.name, "–", "paused", ""
    looked = f"{ago(now - one.polled_at)} ago" if one.polled_at else "never"
    following = "–" if not running else f"in {ago(one.next_poll_at - now)}" if one.next_poll_at else "soon"
    return one.name, looked, following, one.problem or ""


def _runs(title: str, runs: list[Run], now: float) -> list[RenderableType]:
    if not runs:
        return []
    table = _table(title, "run", "state", "commit", "when", "why")
    for run in runs[:8]:
        when = run.finished_at or run.created_at
        table.add_row(
            run.repository or run.origin,
            str(run.id),
            _state(run, now),
            (run.commit_sha or "")[:7],
            time.strftime("%d %b %H:%M", time.localtime(when)),
            run.reason,
        )
    if len(runs) > 8:
        table.add_row(f"and {len(runs) - 8} more")
    return [table]


def _state(run: Run, now: float) -> str:
    if run.state != RunState.QUEUED:
        return run.state
    if run.not_before > now:
        return f"again in {ago(run.not_before - now)}"
    return "waits for training" if run.prepared else run.state


def _champion(champion: dict[str, Any] | None) -> list[RenderableType]:
    if champion is None:
        return []
    heading = Text.assemble(("champion ", "bold"), f"run {champion['run']}  {champion['release'] or ''}")
    return [heading, *(Text(f"  {specialist}: {figure}") for specialist, figure in champion["figures"].items())]


def _workflow_runs(title: str, runs: list[dict[str, Any]]) -> list[RenderableType]:
    if not runs:
        return []
    table = _table(title, "workflow run", "why")
    for one in runs:
        table.add_row(one["repository"], str(one["workflow_run"]), one["reason"])
    return [table]


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
