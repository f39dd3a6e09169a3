"""The energy a training took, from the machine's own counters, or not at all: nothing is estimated.

Linux: RAPL through powercap, which most systems let root alone read. Apple silicon: IOReport through
zeus-apple-silicon. Both count all that ran meanwhile, not this process alone.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any, Protocol

POWERCAP = Path("/sys/class/powercap")
_COUNTED = re.compile(r"package-\d+|dram")  # what else RAPL lists is part of a package
_APPLE = ("cpu_total_mj", "gpu_mj", "dram_mj", "ane_mj")


class Meter(Protocol):
    """Something that counts energy. `name` says what it counts, for a person."""

    name: str

    def joules(self) -> float:
        """Return the joules taken since the meter was made."""


def meter(powercap: Path = POWERCAP) -> Meter | None:
    """Return this machine's meter; None where none can be read."""
    try:
        if platform.system() == "Darwin":
            from zeus_apple_silicon import AppleEnergyMonitor

            return Apple(AppleEnergyMonitor())
        return Rapl(powercap)
    except (ImportError, OSError, RuntimeError, ValueError):
        return None


class Rapl:
    """Processor packages and, where it is listed, memory. Its counters begin anew at their range."""

    name = "RAPL, processor and memory"

    def __init__(self, powercap: Path = POWERCAP) -> None:
        zones = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if _COUNTED.fullmatch(_text(zone / "name"))]
        if not zones:
            raise OSError(f"{powercap} lists no processor")
        self._ranges = {zone: int(_text(zone / "max_energy_range_uj")) for zone in zones}
        self._last = {zone: _microjoules(zone) for zone in zones}
        self._sum = 0

    def joules(self) -> float:
        """Return the joules since the meter was made; to be asked before a counter comes round twice."""
        for zone, last in self._last.items():
            now = _microjoules(zone)
            self._sum += now - last if now >= last else now + self._ranges[zone] - last
            self._last[zone] = now
        return self._sum / 1e6


class Apple:
    """Processor, GPU, Neural Engine and memory of Apple silicon; `monitor` is zeus-apple-silicon's."""

    name = "IOReport, processor, GPU and memory"

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor
        self._counted = [field for field in _APPLE if getattr(monitor.get_cumulative_energy(), field) is not None]
        if "cpu_total_mj" not in self._counted:
            raise OSError("IOReport says nothing of the processor")
        self._first = self._millijoules()

    def joules(self) -> float:
        """Return the joules since the meter was made."""
        return (self._millijoules() - self._first) / 1e3

    def _millijoules(self) -> int:
        now = self._monitor.get_cumulative_energy()
        return sum(getattr(now, field) or 0 for field in self._counted)


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()


def _microjoules(zone: Path) -> int:
    return int(_text(zone / "energy_uj"))
