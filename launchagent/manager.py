"""Choosing this system's service manager."""

from __future__ import annotations

import sys

from launchagent.interface import Manager
from launchagent.launchctl import Launchd
from launchagent.systemd import Systemd


def manager() -> Manager:
    """Return launchd on macOS, systemd elsewhere."""
    return Launchd() if sys.platform == "darwin" else Systemd()
