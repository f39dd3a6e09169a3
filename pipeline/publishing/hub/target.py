"""The Hub as a target: starts the child process, passes its progress on, and ends it when its time is up."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import msgspec

from config.errors import Error
from config.secret import Secret
from config.settings import Publish
from config.tokens import HUB_VARIABLES
from pipeline.publishing import interface
from pipeline.publishing.hub.plan import Done, Failed, Line, Plan, Sent, Waits
from pipeline.publishing.interface import Published, Release, Say, Unreachable

WORKER = (sys.executable, "-m", "pipeline.publishing.hub.worker")
GRACE = 10.0
ERRORS = (
    interface.Withheld, interface.NotAllowed, interface.OutOfDate, interface.Unreachable,
)  # fmt: skip


class HubTarget:
    """Publishes to the Hugging Face Hub. `token` goes to the child alone, never into an argument or a log."""

    def __init__(self, settings: Publish, token: Secret) -> None:
        self._settings, self._token = settings, token

    def publish(self, release: Release, say: Say) -> tuple[Published, ...]:
        """Upload every part; see `release.py` for what happens when it is cut off."""
        settings = self._settings
        plan = Plan(
            endpoint=settings.endpoint.rstrip("/"), token=self._token.reveal(), release=release,
            public=settings.public, request_seconds=settings.request_seconds, total_seconds=settings.total_seconds,
            attempts=settings.attempts, retry_seconds=settings.retry_seconds,
        )  # fmt: skip
        with _child(plan, _environment(xet=settings.xet)) as lines:
            for line in lines:
                match line:
                    case Sent(what=what, done=done, total=total):
                        say(what, done, total)
                    case Waits(why=why, seconds=seconds):
                        say(f"{why}; asking again in {seconds:.0f} s", 0, 0)
                    case Done(published=published):
                        return published
                    case Failed():
                        raise _error(line)
        raise Unreachable("The upload ended before it was done.", "The same command goes on where it stopped.")


def _error(failed: Failed) -> Error:
    kind = next((kind for kind in ERRORS if kind.__name__ == failed.error), Error)
    return kind(failed.message, failed.hint)


def _environment(*, xet: bool) -> dict[str, str]:
    """Return the child's environment: no token of any kind, none of the client's own surprises."""
    kept = {name: value for name, value in os.environ.items() if not _is_secret(name) and name != "HF_HUB_OFFLINE"}
    return kept | {
        "HF_HUB_DISABLE_XET": "0" if xet else "1",
        "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_VERBOSITY": "error",
    }


def _is_secret(name: str) -> bool:
    return name in HUB_VARIABLES or name.endswith(("_TOKEN", "_SECRET", "_PASSWORD", "_API_KEY"))


@contextmanager
def _child(plan: Plan, environment: dict[str, str]) -> Iterator[Iterator[Line]]:
    """Start the worker and yield its lines; whatever happens, it is gone afterwards."""
    process = subprocess.Popen(
        WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    timer = threading.Timer(plan.total_seconds + GRACE, process.kill)
    timer.start()
    try:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101
        _tell(process.stdin, plan)
        yield _lines(process.stdout)
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


def _lines(stream: IO[bytes]) -> Iterator[Line]:
    """Yield what the worker says; what else is written there, by a library say, is passed over."""
    for line in stream:
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(line, type=Line)


def _tell(stream: object, plan: Plan) -> None:
    write, flush = stream.write, stream.flush  # type: ignore[attr-defined]
    try:
        write(msgspec.json.encode(plan) + b"\n")
        flush()
    except BrokenPipeError:
        pass
