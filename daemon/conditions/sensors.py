"""Choosing the readings' source, and keeping the machine awake while there is work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from daemon.conditions.linux import LinuxSensors
from daemon.conditions.macos import MacSensors
from daemon.conditions.readings import Sensors


def sensors_of(folder: Path) -> Sensors:
    """Return this machine's sensors; `folder` is where disk space counts."""
    return MacSensors(folder) if sys.platform == "darwin" else LinuxSensors(folder)


class KeepAwake:
    """Keeps the machine from idle sleep while on; the helper ends with this process, whatever happens."""

    def __init__(self) -> None:
        self._helper: subprocess.Popen[bytes] | None = None

    def set(self, wanted: bool) -> None:
        """Switch keeping awake on or off; the same again costs nothing."""
        if wanted and (self._helper is None or self._helper.poll() is not None):
            self._helper = self._start()
        elif not wanted and self._helper is not None:
            self._helper.terminate()
            self._helper.wait()
            self._helper = None

    def _start(self) -> subprocess.Popen[bytes] | None:
        command = awake_command(os.getpid())
        if command is None:
            return None
        quiet = subprocess.DEVNULL
        try:
            return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        except OSError:
            return None


def awake_command(pid: int) -> list[str] | None:
    """Return the helper: `caffeinate -s` counts on mains power only, and ends with the process it waits for."""
    if sys.platform == "darwin":
        return ["/usr/bin/caffeinate", "-i", "-s", "-w", str(pid)]
    inhibit, tail = shutil.which("systemd-inhibit"), shutil.which("tail")
    if inhibit is None or tail is None or not Path("/run/systemd/system").exists():
        return None
    what = ["--what=sleep:idle", "--who=fixsmith", "--why=A model is being trained", "--mode=block"]
    return [inhibit, *what, tail, f"--pid={pid}", "-f", "/dev/null"]
