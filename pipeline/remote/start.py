"""A start without Ray: `python -m pipeline.remote.start --storage … --run … --submission …`, for ssh and Slurm.

Ends with the worker's code; 75 when a signal stopped it at a checkpoint, so that Slurm may queue it again;
0 when it was asked to stop through the storage, or has a successor.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from pipeline.remote import attempt, child, contract
from pipeline.remote.storage.opening import opened


def main() -> int:
    """Train what the command line names and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--submission", required=True, type=int)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    storage = opened(arguments.storage)
    start = attempt.claim(storage, arguments.run)
    train = child.trainer(child.command(arguments.processes), {})
    with tempfile.TemporaryDirectory(prefix="fixsmith-") as scratch:
        spec = attempt.stage(storage, arguments.run, start, Path(scratch))
        try:
            code = attempt.run(storage, arguments.run, arguments.submission, start, spec, train, told.is_set)
        except attempt.Superseded:
            return contract.DONE
    if code == contract.STOPPED and not told.is_set():
        return contract.DONE
    return code if code >= 0 else contract.FAILED


if __name__ == "__main__":
    sys.exit(main())
