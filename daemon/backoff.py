"""How long to wait after a failure: doubling, capped, with jitter so that many don't come at once."""

from __future__ import annotations

import random
from collections.abc import Callable


def delay(failures: int, first: float, most: float, jitter: Callable[[float, float], float] = random.uniform) -> float:
    """Return the seconds to wait after `failures` failures in a row (1 or more)."""
    ceiling = min(most, first * 2.0 ** min(max(failures, 1) - 1, 40))
    return jitter(ceiling / 2, ceiling)
