"""The decision whether training may go on: a pure function of readings, settings and what was decided before.

Every condition has two bounds: worse than the first it holds work back, better than the second
it lets go again. All must have let go for `settle_seconds` before work starts.
"""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum

import msgspec

from config.settings import Conditions
from daemon.conditions.readings import Memory, Readings, Thermal

GIGABYTE = 1024**3
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


def _power(readings: Readings, settings: Conditions, _day: time, _held: bool) -> bool:
    return settings.mains_only and readings.on_mains is False


def _battery(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    bound = max(settings.battery_resume, settings.battery_pause) if held else settings.battery_pause
    return readings.battery is not None and readings.battery < bound


def _thermal(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    if settings.thermal_pause == "never" or readings.thermal is None:
        return False
    bound = Thermal[settings.thermal_pause.upper()]
    return readings.thermal >= (max(bound - 1, Thermal.MODERATE) if held else bound)


def _memory(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    if settings.memory_pause == "never" or readings.memory is None:
        return False
    bound = Memory[settings.memory_pause.upper()]
    return readings.memory >= (Memory.WARNING if held else bound)


def _user(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    wanted = settings.user_idle_minutes * 60
    if not wanted or readings.user_idle is None:
        return False
    return readings.user_idle < (wanted if held else wanted * IDLE_GRACE)


def _display(readings: Readings, settings: Conditions, _day: time, _held: bool) -> bool:
    return settings.display_off_only and readings.display_on is True


def _disk(readings: Readings, settings: Conditions, _day: time, held: bool) -> bool:
    resume = max(settings.disk_resume_gigabytes, settings.disk_pause_gigabytes)
    bound = resume if held else settings.disk_pause_gigabytes
    return readings.disk_free is not None and readings.disk_free < bound * GIGABYTE


def _hours(_readings: Readings, settings: Conditions, day: time, _held: bool) -> bool:
    return in_hours(settings.quiet_hours, day)


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
    sentences = {
        Reason.POWER: "mains power",
        Reason.BATTERY: f"the battery at {readings.battery} % to reach {settings.battery_resume} %",
        Reason.THERMAL: f"the machine to cool ({readings.thermal.name.lower() if readings.thermal else 'warm'})",
        Reason.MEMORY: "memory pressure to fall",
        Reason.USER: f"nobody to use the machine for {settings.user_idle_minutes:g} minutes",
        Reason.DISPLAY: "the display to sleep",
        Reason.DISK: f"{settings.disk_resume_gigabytes:g} GB of free disk "
        f"({(readings.disk_free or 0) / GIGABYTE:.1f} are free)",
        Reason.HOURS: f"the end of the quiet hours ({settings.quiet_hours})",
    }
    return sentences[reason]
