"""The run at work: what is known of it, and why it is asked to stop."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from config.settings import Settings
from daemon import processes
from daemon.child import Child
from daemon.conditions.machine import Decision
from daemon.store.records import Run


class Stop(StrEnum):
    """Why a child was asked to stop."""

    CONDITIONS = "conditions"
    SHUTDOWN = "shutdown"
    MEMORY = "memory"
    SILENCE = "silence"
    LOST = "lost"


class Work(msgspec.Struct):
    """The run at work and what is known of it. Times are monotonic seconds."""

    run: Run
    token: str
    child: Child
    beat_at: float
    heard_at: float
    checked_at: float
    weighed_at: float
    noted_at: float = 0.0
    stage: str = ""
    stop: Stop | None = None
    stop_by: float = 0.0
    said: dict[str, Any] | None = None
    error: str = ""
    kind: str = ""


MEASURING = ("evaluate", "gate", "publish", "upload")
"""Stages after training: they work this machine hard wherever the training was."""


def may_go_on(run: Run, decision: Decision, settings: Settings, stage: str) -> bool:
    """Tell whether the conditions let a run in `stage` go on: only what trains or measures here waits for all."""
    elsewhere = settings.fine_tuning.backend != "mlx" and stage not in MEASURING
    return decision.allowed if run.prepared and not elsewhere else decision.data_allowed


def recorded_process(run: Run) -> processes.Identity | None:
    """Return the process that was recorded for a run at work."""
    if run.process is None or run.process_started is None:
        return None
    return processes.Identity(run.process, run.process_started)
