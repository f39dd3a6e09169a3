"""`fixsmith start`: start the installed service."""

from __future__ import annotations

import argparse
import sys

from config.load import load_settings
from launchagent.manager import manager
from launchagent.start import wait_until_up


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    subparsers.add_parser("start", description="Start the installed service now.", help="start the installed service")


def run(_arguments: argparse.Namespace) -> int:
    """Start it with settings that are valid; say so once it is at work."""
    service = manager()
    settings = load_settings(service.installed().config, {})
    service.start()
    wait_until_up(service, settings)
    sys.stdout.write("Started; `fixsmith status` shows what it does.\n")
    return 0
