"""`fixsmith start`: start the installed service."""

from __future__ import annotations

import argparse
import sys

from launchagent.manager import manager


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    subparsers.add_parser("start", description="Start the installed service now.", help="start the installed service")


def run(_arguments: argparse.Namespace) -> int:
    """Do it."""
    manager().start()
    sys.stdout.write("Started; `fixsmith status` shows what it does.\n")
    return 0
