"""`fixsmith stop`: stop the service at its next checkpoint."""

from __future__ import annotations

import argparse
import sys

from launchagent.manager import manager


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    subparsers.add_parser(
        "stop",
        description="Stop the service: the run at work checkpoints and goes on at the next start.",
        help="stop the service at its next checkpoint",
    )


def run(_arguments: argparse.Namespace) -> int:
    """Do it."""
    manager().stop()
    sys.stdout.write("Stopped; it starts again with `fixsmith start` or at the next login.\n")
    return 0
