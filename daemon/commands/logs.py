"""`fixsmith logs`: the service's log, or one run's."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from pathlib import Path

from config.errors import UsageError
from config.load import load_settings
from daemon.arguments import add_config, config_path, run_number
from daemon.layout import layout_of

FOLLOW_SECONDS = 0.5


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "logs", description="The service's log, or what one run wrote.", help="the service's log, or one run's"
    )
    number = "a run's number, as `fixsmith status` shows it"
    parser.add_argument("run", nargs="?", type=run_number, metavar="RUN", help=number)
    add_config(parser)
    parser.add_argument("-n", "--lines", type=int, default=50, help="how many lines from the end (default: 50)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on showing what is added, until Ctrl-C")


def run(arguments: argparse.Namespace) -> int:
    """Show the log."""
    layout = layout_of(load_settings(config_path(arguments)))
    path = layout.service_log if arguments.run is None else layout.run_log(arguments.run)
    if not path.exists():
        start = "Start the service with `fixsmith run` or `fixsmith install`."
        raise UsageError(f"There is no log at {path}.", "`fixsmith status` lists the runs." if arguments.run else start)
    with path.open(encoding="utf-8", errors="replace") as stream:
        sys.stdout.writelines(deque(stream, maxlen=max(0, arguments.lines)))
        position = stream.tell()
    return _follow(path, position) if arguments.follow else 0


def _follow(path: Path, position: int) -> int:
    """Show what is added; a rotated log is read from its new beginning."""
    while True:
        sys.stdout.flush()
        time.sleep(FOLLOW_SECONDS)
        size = path.stat().st_size if path.exists() else 0
        if size == position:
            continue
        with path.open(encoding="utf-8", errors="replace") as stream:
            stream.seek(position if size > position else 0)
            sys.stdout.write(stream.read())
            position = stream.tell()
