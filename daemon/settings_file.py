"""Which settings file a command uses."""

from __future__ import annotations

import argparse
from pathlib import Path

from config.location import HELP, settings_file


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    parser.add_argument("--config", metavar="FILE", help=HELP)


def config_path(arguments: argparse.Namespace) -> Path | None:
    """Return the settings file asked for, None for the defaults."""
    return settings_file(arguments.config)
