"""How long to wait after a failure: doubling, capped, with jitter so that many don't come at once."""

from __future__ import annotations

import random
from collections.abc import Callable

from config.settings import Settings

HOUR = 3600.0


def delay(failures: int, first: float, most: float, jitter: Callable[[float, float], float] = random.uniform) -> float:
    """Return the seconds to wait after `failures` failures in a row (1 or more)."""
    ceiling = min(most, first * 2.0 ** min(max(failures, 1) - 1, 40))
    return jitter(ceiling / 2, ceiling)


def longest_wait(settings: Settings) -> float:
    """Return the longest time in seconds for which anything is put off."""
    return max(HOUR, settings.github.poll_seconds, settings.daemon.retry_most_seconds)


def waits(until: float, now: float, longest: float) -> bool:
    """Tell whether a time is still to come; one further off than the longest wait was set by a clock that was wrong."""
    return now < until <= now + longest
