"""Where the settings file is, when nobody names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "FIXSMITH_CONFIG"
HELP = f"settings (default: ${VARIABLE}, else ~/.config/fixsmith/settings.yaml if it is there, else the defaults)"


def personal_file(environment: Mapping[str, str] | None = None) -> Path:
    """Return where `fixsmith init` writes the settings."""
    values = os.environ if environment is None else environment
    base = values.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base).expanduser() / "fixsmith" / "settings.yaml"


def settings_file(named: str | None, environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the settings file: the one named, the environment's, the personal one, or None for the defaults."""
    values = os.environ if environment is None else environment
    chosen = named or values.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    personal = personal_file(values)
    return personal if personal.exists() else None
