"""Whether a service that was started is at work: launchd and systemd only say that they began it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.settings import Settings
from launchagent.interface import Condition, Manager, ServiceError

SECONDS = 60.0
GONE_SECONDS = 3.0
LOOK_SECONDS = 0.1
HINT = "`fixsmith run` shows in this terminal what happens."


def wait_until_up(service: Manager, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return once the service holds its workspace; raises ServiceError with its last words when it has ended."""
    holder, lock = _lock_of(settings)
    begun = seen = time.monotonic()
    while time.monotonic() - begun < SECONDS:
        found, held = service.condition(), holder(lock)
        if held is not None and held.pid == found.pid:
            return
        if found.pid is not None:
            seen = time.monotonic()
        elif time.monotonic() - seen > GONE_SECONDS:
            raise ServiceError(_ended(found, service.last_words()), HINT)
        sleep(LOOK_SECONDS)
    raise ServiceError(f"The service was started and isn't at work after {SECONDS:.0f} seconds.", HINT)


def _ended(found: Condition, words: str) -> str:
    code = "" if not found.last_exit else f" with {found.last_exit}"
    return f"The service has ended at once{code}{f': {words}' if words else '.'}"


def _lock_of(settings: Settings) -> tuple[Callable[[Path], Any], Path]:
    """Return who tells the holder of a lock, and the lock. That room is beside this one, so it is asked for by name."""
    layout = importlib.import_module("daemon.layout").layout_of(settings)
    return importlib.import_module("daemon.identity").holder, layout.lock
