"""Readings on Linux, from `/sys` and `/proc`. A machine without a battery is on mains power."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from daemon.conditions.ask import ask, free
from daemon.conditions.readings import Memory, Readings, Thermal

HOT_MARGIN = 5_000  # millidegrees below a zone's passive trip point that count as moderate


class LinuxSensors:
    """The machine this runs on; `root` is `/`, or a copy of it in tests."""

    def __init__(self, folder: Path, root: Path = Path("/")) -> None:
        self.folder = folder
        self.root = root

    def read(self) -> Readings:
        """Look once."""
        batteries = list(self._supplies("Battery"))
        return Readings(
            on_mains=self._on_mains(batteries),
            battery=min((_number(supply / "capacity", 100) for supply in batteries), default=None),
            thermal=self._thermal(),
            memory=memory(_text(self.root / "proc/pressure/memory")),
            disk_free=free(self.folder),
            metered=metered(ask("nmcli", "-t", "-f", "GENERAL.METERED", "device", "show")),
        )

    def _supplies(self, kind: str) -> Iterator[Path]:
        for supply in sorted((self.root / "sys/class/power_supply").glob("*")):
            if _text(supply / "type").strip() == kind and _text(supply / "scope").strip() != "Device":
                yield supply

    def _on_mains(self, batteries: list[Path]) -> bool:
        if any(_number(supply / "online", 0) for kind in ("Mains", "USB") for supply in self._supplies(kind)):
            return True
        return not any(_text(supply / "status").strip() == "Discharging" for supply in batteries)

    def _thermal(self) -> Thermal | None:
        levels = [level for zone in (self.root / "sys/class/thermal").glob("thermal_zone*") if (level := _zone(zone))]
        return max((Thermal(level - 1) for level in levels), default=None)


def memory(pressure: str) -> Memory | None:
    """Read `/proc/pressure/memory`: the share of the last minute in which something waited for memory."""
    found = re.search(r"^full .*avg60=([\d.]+)", pressure, re.MULTILINE)
    if not found:
        return None
    share = float(found.group(1))
    return Memory.CRITICAL if share >= 20 else Memory.WARNING if share >= 5 else Memory.NORMAL


def metered(devices: str | None) -> bool | None:
    """Read NetworkManager's word on its devices."""
    return None if devices is None else bool(re.search(r"^GENERAL\.METERED:yes", devices, re.MULTILINE))


def _zone(zone: Path) -> int | None:
    """Return a zone's level plus one, None when it has no passive or hot trip point."""
    trips = [
        _number(zone / trip.name.replace("_type", "_temp"), 0)
        for trip in zone.glob("trip_point_*_type")
        if _text(trip).strip() in ("passive", "hot")
    ]
    heat = _number(zone / "temp", 0)
    bounds = [trip for trip in trips if trip > 0]
    if not bounds or not heat:
        return None
    distance = min(bounds) - heat
    return 1 + (Thermal.HEAVY if distance <= 0 else Thermal.MODERATE if distance <= HOT_MARGIN else Thermal.NOMINAL)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _number(path: Path, otherwise: int) -> int:
    text = _text(path).strip()
    return int(text) if text.lstrip("-").isdigit() else otherwise
