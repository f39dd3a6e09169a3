"""`fixsmith retry RUN`: put a parked run back into the queue."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from config.errors import UsageError
from config.load import load_settings
from daemon.identity import holder
from daemon.layout import Layout, layout_of
from daemon.settings_file import add_config, config_path
from daemon.store.store import Store


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "retry",
        description="Put a parked or refused run back into the queue, as if it had never failed.",
        help="put a parked run back into the queue",
    )
    parser.add_argument("run", type=int, metavar="RUN", help="the run's number, as `fixsmith status` shows it")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Put the run back and have the service look."""
    layout = layout_of(load_settings(config_path(arguments)))
    if not layout.database.exists():
        raise UsageError(f"There are no runs in {layout.workspace}.", "Check --config.")
    store = Store.open(layout.database)
    found = store.queue.get(arguments.run)
    if found is None:
        raise UsageError(f"There is no run {arguments.run}.", "`fixsmith status` lists the parked ones.")
    if not store.queue.retry(found.id):
        raise UsageError(f"Run {found.id} is {found.state}, not parked.", "Only parked or refused runs are retried.")
    store.close()
    wake(layout)
    sys.stdout.write(f"Run {found.id} is in the queue again.\n")
    return 0


def wake(layout: Layout) -> None:
    """Have a running service look at the queue now; the lock proves that the process is it."""
    held = holder(layout.lock)
    if held is not None:
        os.kill(held.pid, signal.SIGHUP)
