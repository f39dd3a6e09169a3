"""`fixsmith uninstall`: no longer run in the background."""

from __future__ import annotations

import argparse
import sys

from launchagent.manager import manager


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    subparsers.add_parser(
        "uninstall",
        description="Stop the service and remove its definition. Settings, models and data stay.",
        help="no longer run in the background",
    )


def run(_arguments: argparse.Namespace) -> int:
    """Do it."""
    had = manager().uninstall()
    sys.stdout.write("Removed; settings and data stay.\n" if had else "It wasn't installed.\n")
    return 0
