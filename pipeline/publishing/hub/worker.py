"""The child process that speaks to the Hub: a plan on standard input, lines of JSON on standard output.

It ends when its parent does, and the parent ends it when its time is up.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from config.errors import Error
from pipeline.publishing.hub.plan import Done, Failed, Line, Plan, Sent, Waits
from pipeline.publishing.interface import Published


def main() -> int:
    """Publish as the plan says; return 0, or 1 after a line that says why not."""
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plan)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _say(Done(published=tuple(run(plan, _say))))
    except Error as error:
        _say(Failed(error=type(error).__name__, message=error.message, hint=error.hint))
        return 1
    return 0


def run(plan: Plan, say: Callable[[Line], None]) -> list[Published]:
    """Check the token and every repository, then publish one after the other."""
    from huggingface_hub import HfApi

    from pipeline.publishing.hub import release, session
    from pipeline.publishing.hub.repository import Repository

    parts = plan.release.parts
    counter = _Counter(sum(_size(part.folder) for part in parts), say)
    deadline = session.Deadline(plan.total_seconds)
    session.install(plan.endpoint, deadline, plan.request_seconds, counter.sent)
    api = HfApi(endpoint=plan.endpoint, token=plan.token, library_name="fixsmith")
    repositories = [Repository(api, part) for part in parts]

    def patience() -> release.Patience:
        return release.Patience(
            plan.attempts, plan.retry_seconds, deadline, lambda why, seconds: say(Waits(why=why, seconds=seconds))
        )

    release.check_all(api, repositories, plan.public, patience())
    published = []
    for repository, part in zip(repositories, parts, strict=True):
        counter.what = part.repository
        published.append(
            release.publish(repository, part, plan.release, public=part.repository in plan.public, patience=patience())
        )
    return published


class _Counter:
    """Counts bytes that went out, and says so every mebibyte."""

    def __init__(self, total: int, say: Callable[[Line], None]) -> None:
        self.what, self._total, self._say, self._done, self._said = "", total, say, 0, 0
        self._lock = threading.Lock()

    def sent(self, count: int) -> None:
        with self._lock:
            self._done += count
            if self._done - self._said >= 1 << 20:
                self._said = self._done
                self._say(Sent(what=self.what, done=min(self._done, self._total), total=self._total))


def _size(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def _say(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    while os.read(0, 1):  # a buffered read would hold its lock when the interpreter ends, and abort it
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
