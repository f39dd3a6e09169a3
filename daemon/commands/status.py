"""`fixsmith status`: what the service is doing, what waits, and for what."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import msgspec

from daemon.arguments import add_config, config_path
from daemon.snapshot import Snapshot, look

DESCRIPTION = "What the service is doing, what it waits for, the queue, the last results and the champion."
REFRESH_SECONDS = 2.0


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("status", description=DESCRIPTION, help="what it is doing, and for what it waits")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object; with --watch one a line")
    parser.add_argument("--watch", action="store_true", help="show it again every two seconds, until Ctrl-C")


def run(arguments: argparse.Namespace) -> int:
    """Show the status; 0 when the service runs or nothing needs a person, else 1."""
    config = config_path(arguments)
    if arguments.watch:
        return _follow(config) if arguments.json else _watch(config)
    found = look(config, time.time())
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        _print(found)
    return 1 if found.problems or found.parked else 0


def _print(found: Snapshot) -> None:

    from daemon.display import render
    from pipeline.output import Output

    Output(highlight=False).print(render(found))


def _follow(config: Path | None) -> int:
    while True:
        sys.stdout.write(msgspec.json.encode(look(config, time.time())).decode() + "\n")
        sys.stdout.flush()
        time.sleep(REFRESH_SECONDS)


def _watch(config: Path | None) -> int:
    from rich.live import Live

    from daemon.display import render
    from pipeline.output import Output

    with Live(render(look(config, time.time())), console=Output(highlight=False), auto_refresh=False) as live:
        while True:
            time.sleep(REFRESH_SECONDS)
            live.update(render(look(config, time.time())), refresh=True)
