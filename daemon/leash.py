"""The flow, ended with the service that started it: `python -m daemon.leash ARGUMENTS`.

The service holds the other end of this process' standard input and never writes to it. When the
service is gone, however that came, the system closes it: the flow checkpoints and ends, and
what is left of its process group after `GRACE` seconds is killed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from pipeline.pipes import silence_stdout

GRACE = 120.0


def main() -> int:
    """Run the flow; return its exit code."""
    watch(sys.stdin.fileno())
    from pipeline.process_artifacts import main as flow

    return quietly(lambda: flow(sys.argv[1:]))


def quietly(work: Callable[[], int]) -> int:
    """Do the work; that nobody listens any more ends it without a word, to be gone on with later."""
    try:
        return work()
    except BrokenPipeError:
        silence_stdout()
        return 75


def watch(descriptor: int, ended: Callable[[], None] | None = None) -> None:
    """Call `ended` (default: end this process group) once the other end of the pipe is closed."""
    threading.Thread(target=_wait, args=(descriptor, ended or _end), name="leash", daemon=True).start()


def _wait(descriptor: int, ended: Callable[[], None]) -> None:
    while os.read(descriptor, 1):
        pass
    ended()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
