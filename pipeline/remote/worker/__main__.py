"""The command: `python -m pipeline.remote.worker --spec spec.json`, bare or under torchrun."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

import msgspec

from config.errors import Error
from pipeline.remote.contract import DONE, FAILED, STOPPED, Spec, read_spec
from pipeline.remote.worker.journal import Journal, to_standard_output


def main() -> int:
    """Train what the spec says and return the exit code: 0 done, 1 failed, 75 stopped at a checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.remote.worker", description=__doc__)
    parser.add_argument("--spec", required=True, type=Path, help="JSON file, as docs/remote-worker.md says")
    path = parser.parse_args().spec
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(stream=sys.stderr)
    try:
        spec = read_spec(path)
    except (OSError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"The spec {path} can't be used: {error}\n")
        return FAILED
    os.chdir(path.resolve().parent)
    return _run(spec, told)


def _run(spec: Spec, told: threading.Event) -> int:
    try:
        from pipeline.remote.worker.training import train
    except ImportError as error:
        Journal(Path(spec.work), spec.attempt, to_standard_output).say(
            "failed", message=str(error), hint="Install the worker's requirements.txt.", error="ImportError"
        )
        return FAILED
    try:
        train(spec, told.is_set, to_standard_output)
    except Error as error:
        sys.stderr.write(f"{error}\n")
        return STOPPED if error.exit_code == STOPPED else FAILED
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'A file'} can't be used: {error.strerror or error}\n")
        return FAILED
    return DONE


def _leave(code: int) -> NoReturn:
    """End the process at once, without taking the interpreter down.

    All is on disk by now, and a gloo thread that lets go of a tensor while the interpreter ends
    aborts a training that is done: https://github.com/pytorch/pytorch/pull/179291.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
