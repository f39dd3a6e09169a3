"""Readings on macOS, from the system's own tools. Parsing is separate, so that outputs can be test data."""

from __future__ import annotations

import re
from pathlib import Path

from daemon.conditions.ask import ask, free
from daemon.conditions.readings import Memory, Readings, Thermal

HOTSPOT_GATEWAY = "172.20.10.1"  # an iPhone's personal hotspot, always
POWERED = 4  # IODisplayWrangler's CurrentPowerState with the display on


class MacSensors:
    """The machine this runs on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> Readings:
        """Look once: six short programs, each bounded in time."""
        batteries = ask("/usr/bin/pmset", "-g", "batt")
        return Readings(
            on_mains=on_mains(batteries),
            battery=battery(batteries),
            thermal=thermal(
                ask("/usr/bin/notifyutil", "-g", "com.apple.system.thermalpressurelevel"),
                ask("/usr/bin/pmset", "-g", "therm"),
            ),
            memory=memory(ask("/usr/sbin/sysctl", "-n", "kern.memorystatus_vm_pressure_level")),
            display_on=display_on(ask("/usr/sbin/ioreg", "-w0", "-r", "-d1", "-n", "IODisplayWrangler")),
            user_idle=user_idle(ask("/usr/sbin/ioreg", "-w0", "-r", "-d1", "-c", "IOHIDSystem")),
            disk_free=free(self.folder),
            metered=metered(ask("/sbin/route", "-n", "get", "default")),
        )


def on_mains(batteries: str | None) -> bool | None:
    """Read `pmset -g batt`: its first line names the source; a UPS is a battery."""
    found = re.search(r"Now drawing from '([^']+)'", batteries or "")
    return found.group(1) == "AC Power" if found else None


def battery(batteries: str | None) -> int | None:
    """Read the internal battery's charge in percent from `pmset -g batt`."""
    found = re.search(r"InternalBattery\S*.*?(\d+)%", batteries or "")
    return int(found.group(1)) if found else None


def thermal(pressure: str | None, limits: str | None) -> Thermal | None:
    """Read `notifyutil -g …thermalpressurelevel` (Apple silicon), else `pmset -g therm` (Intel)."""
    found = re.search(r"thermalpressurelevel\s+(\d+)", pressure or "")
    speed = re.search(r"CPU_Speed_Limit\s*=\s*(\d+)", limits or "")
    levels = []
    if found:
        levels.append(Thermal(min(int(found.group(1)), Thermal.SLEEPING)))
    if speed:
        levels.append(_by_speed(int(speed.group(1))))
    return max(levels, default=None)


def memory(level: str | None) -> Memory | None:
    """Read `kern.memorystatus_vm_pressure_level`: 1 normal, 2 warning, 4 critical."""
    return {"1": Memory.NORMAL, "2": Memory.WARNING, "4": Memory.CRITICAL}.get((level or "").strip())


def display_on(registry: str | None) -> bool | None:
    """Read the display's power state; Apple silicon has no such entry, then it is unknown."""
    found = re.search(r'"CurrentPowerState"\s*=\s*(\d+)', registry or "")
    return int(found.group(1)) >= POWERED if found else None


def user_idle(registry: str | None) -> float | None:
    """Read the seconds since the last key or pointer event."""
    found = re.search(r'"HIDIdleTime"\s*=\s*(\d+)', registry or "")
    return int(found.group(1)) / 1e9 if found else None


def metered(route: str | None) -> bool | None:
    """Tell an iPhone's hotspot by its gateway: macOS offers no other sign to a program without a window."""
    found = re.search(r"gateway:\s*(\S+)", route or "")
    return found.group(1) == HOTSPOT_GATEWAY if found else None


def _by_speed(percent: int) -> Thermal:
    if percent >= 100:
        return Thermal.NOMINAL
    return Thermal.MODERATE if percent >= 80 else Thermal.HEAVY
