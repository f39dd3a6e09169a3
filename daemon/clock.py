"""Time behind a seam, so that a week can pass in a test."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Return seconds since 1970; it may jump, and goes on while the machine sleeps."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; they may stand still while the machine sleeps."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()
