"""Which settings file a command uses."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

VARIABLE = "FIXSMITH_CONFIG"


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    parser.add_argument("--config", metavar="FILE", help=f"settings (default: ${VARIABLE}, else the defaults)")


def config_path(arguments: argparse.Namespace) -> Path | None:
    """Return the settings file asked for, None for the defaults."""
    named = arguments.config or os.environ.get(VARIABLE)
    return Path(named).expanduser().absolute() if named else None
