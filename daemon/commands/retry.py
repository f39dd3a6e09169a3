"""`fixsmith retry RUN`: put a parked run back into the queue, or have a parked workflow run fetched again."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import closing, suppress

from config.errors import UsageError
from config.load import load_settings
from daemon.arguments import add_config, config_path, run_number
from daemon.identity import holder
from daemon.layout import Layout, layout_of
from daemon.places import run_matter, told, workflow_matter
from daemon.store.records import WorkflowRunState
from daemon.store.store import Store

MOST = 100_000


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "retry",
        description="Put a parked or refused run back into the queue, as if it had never failed.",
        help="put a parked run back into the queue",
    )
    parser.add_argument(
        "run",
        type=run_number,
        metavar="RUN",
        help="the number of the run or workflow run, as `fixsmith status` shows it",
    )
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Put the run back and have the service look."""
    layout = layout_of(load_settings(config_path(arguments)))
    if not layout.database.exists():
        raise UsageError(f"There are no runs in {layout.workspace}.", "Check --config.")
    with closing(Store.open(layout.database)) as store:
        done = _retry(store, arguments.run)
    wake(layout)
    sys.stdout.write(f"{done}\n")
    return 0


def _retry(store: Store, number: int) -> str:
    """Put it back, whichever it is; return what was done."""
    found = store.queue.get(number)
    if found is None:
        parked = [run for run in store.ledger.recent((WorkflowRunState.PARKED,), MOST) if run.id == number]
        if store.ledger.retry(number):
            for run in parked:
                store.forget(told(workflow_matter(run.key)))
            return f"Workflow run {number} is fetched again."
        seen = [run for run in store.ledger.recent(tuple(WorkflowRunState), MOST) if run.id == number]
        if seen:
            what = f"Workflow run {number} is {seen[0].state}{f': {seen[0].reason}' if seen[0].reason else ''}."
            raise UsageError(what, "Only parked ones are retried.")
        raise UsageError(f"There is no parked run {number}.", "`fixsmith status` lists them.")
    if not store.queue.retry(found.id):
        raise UsageError(f"Run {found.id} is {found.state}, not parked.", "Only parked or refused runs are retried.")
    store.forget(told(run_matter(found.id)))
    return f"Run {found.id} is in the queue again."


def wake(layout: Layout) -> None:
    """Have a running service look at the queue now; the lock proves that the process is it."""
    held = holder(layout.lock)
    if held is not None:
        with suppress(ProcessLookupError, PermissionError):  # it ended just now, or is another person's
            os.kill(held.pid, signal.SIGHUP)
