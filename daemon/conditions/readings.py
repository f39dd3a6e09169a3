"""What the machine says about itself, and the seam through which it is asked. None means unknown."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import msgspec


class Thermal(IntEnum):
    """Thermal pressure, by macOS' names."""

    NOMINAL = 0
    MODERATE = 1
    HEAVY = 2
    TRAPPING = 3
    SLEEPING = 4


class Memory(IntEnum):
    """Memory pressure."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the machine. `battery` is percent, `user_idle` seconds, `disk_free` bytes."""

    on_mains: bool | None = None
    battery: int | None = None
    thermal: Thermal | None = None
    memory: Memory | None = None
    display_on: bool | None = None
    user_idle: float | None = None
    disk_free: int | None = None
    metered: bool | None = None


class Sensors(Protocol):
    """Where readings come from."""

    def read(self) -> Readings:
        """Look once; what can't be found out is None, and looking is bounded in time."""
        ...
