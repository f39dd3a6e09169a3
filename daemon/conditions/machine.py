"""The decision whether training may go on: a pure function of readings, settings and what was decided before.

Every condition has two bounds: worse than the first it holds work back, better than the second
it lets go again. All must have let go for `settle_seconds` before work starts. A reading that
fails tells nothing: what was held stays held, what wasn't isn't.
"""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum

import msgspec

from config.settings import Conditions
from daemon.conditions.readings import Memory, Readings, Thermal

GIGABYTE = 1024**3
UNREADABLE = "not readable now"
IDLE_GRACE = 0.5  # a user counts as active again below this share of the idle time asked for


class Reason(StrEnum):
    """What holds work back."""

    POWER = "power"
    BATTERY = "battery"
    THERMAL = "thermal"
    MEMORY = "memory"
    USER = "user"
    DISPLAY = "display"
    DISK = "disk"
    HOURS = "hours"
    SETTLING = "settling"


HOLDS_DATA = (Reason.DISK, Reason.MEMORY)


class State(msgspec.Struct, frozen=True):
    """What was decided: the reasons that hold work back, and since when none does (None: one does)."""

    holding: tuple[Reason, ...] = ()
    clear_since: float | None = None
    allowed: bool = False


class Decision(msgspec.Struct, frozen=True):
    """Whether training may go on, why not, and whether the machine should be kept awake while something does.

    `data_allowed`: whether the light work before it may, which only what it would harm holds back.
    """

    allowed: bool
    waiting_for: tuple[str, ...]
    keep_awake: bool
    data_allowed: bool = False


def decide(state: State, readings: Readings, settings: Conditions, now: float, day: time) -> tuple[State, Decision]:
    """Return the new state and the decision; `now` in seconds, `day` the local time of day."""
    holding = tuple(reason for reason in _CHECKS if _CHECKS[reason](readings, settings, day, reason in state.holding))
    clear_since = None if holding else (now if state.clear_since is None else min(state.clear_since, now))
    allowed = clear_since is not None and (state.allowed or now - clear_since >= settings.settle_seconds)
    waits = tuple(_sentence(reason, readings, settings) for reason in holding)
    if clear_since is not None and not allowed:
        waits = (f"conditions to stay good for {settings.settle_seconds - (now - clear_since):.0f} s more",)
    awake = settings.keep_awake and readings.on_mains is True
    data_allowed = not any(reason in HOLDS_DATA for reason in holding)
    return State(holding, clear_since, allowed), Decision(allowed, waits, awake, data_allowed)


def day_time(now: float) -> time:
    """Return the local time of day at a moment."""
    return datetime.fromtimestamp(now).time()


def in_hours(hours: str, day: time) -> bool:
    """Tell whether a time of day lies in `HH:MM-HH:MM`, which may pass midnight."""
    if not hours:
        return False
    start, end = (time.fromisoformat(part) for part in hours.split("-"))
    return start <= day < end if start <= end else day >= start or day < end


def _power(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    return settings.mains_only and (held if readings.on_mains is None else not readings.on_mains)


def _battery(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    bound = _battery_resume(settings) if held else settings.battery_pause
    return held if readings.battery is None else readings.battery < bound


def _thermal(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    if settings.thermal_pause == "never":
        return False
    if readings.thermal is None:
        return held
    bound = Thermal[settings.thermal_pause.upper()]
    return readings.thermal >= (max(bound - 1, Thermal.MODERATE) if held else bound)


def _memory(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    if settings.memory_pause == "never":
        return False
    if readings.memory is None:
        return held
    bound = Memory[settings.memory_pause.upper()]
    return readings.memory >= (Memory.WARNING if held else bound)


def _user(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    wanted = settings.user_idle_minutes * 60
    if not wanted:
        return False
    if readings.user_idle is None:
        return held
    return readings.user_idle < (wanted if held else wanted * IDLE_GRACE)


def _display(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    return settings.display_off_only and (held if readings.display_on is None else readings.display_on)


def _disk(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    bound = _disk_resume(settings) if held else settings.disk_pause_gigabytes
    return held if readings.disk_free is None else readings.disk_free < bound * GIGABYTE


def _hours(_readings: Readings, settings: Conditions, day: time, _held: bool) -> bool:
    return in_hours(settings.quiet_hours, day)


def _battery_resume(settings: Conditions) -> int:
    return max(settings.battery_resume, settings.battery_pause)


def _disk_resume(settings: Conditions) -> float:
    return max(settings.disk_resume_gigabytes, settings.disk_pause_gigabytes)


_CHECKS = {
    Reason.POWER: _power,
    Reason.BATTERY: _battery,
    Reason.THERMAL: _thermal,
    Reason.MEMORY: _memory,
    Reason.USER: _user,
    Reason.DISPLAY: _display,
    Reason.DISK: _disk,
    Reason.HOURS: _hours,
}


def _sentence(reason: Reason, readings: Readings, settings: Conditions) -> str:
    """Return what is waited for, with the reading that holds."""
    level = UNREADABLE if readings.battery is None else f"{readings.battery} % now"
    heat = UNREADABLE if readings.thermal is None else readings.thermal.name.lower()
    free = UNREADABLE if readings.disk_free is None else f"{readings.disk_free / GIGABYTE:.1f} are free"
    sentences = {
        Reason.POWER: "mains power",
        Reason.BATTERY: f"the battery to reach {_battery_resume(settings)} % ({level})",
        Reason.THERMAL: f"the machine to cool ({heat})",
        Reason.MEMORY: "memory pressure to fall",
        Reason.USER: f"nobody to use the machine for {settings.user_idle_minutes:g} minutes",
        Reason.DISPLAY: "the display to sleep",
        Reason.DISK: f"{_disk_resume(settings):g} GB of free disk ({free})",
        Reason.HOURS: f"the end of the quiet hours ({settings.quiet_hours})",
    }
    return sentences[reason]
