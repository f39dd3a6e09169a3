"""The journal: `events.jsonl`, and the same lines on standard output."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from pipeline.remote.contract import EVENTS, Event, EventKind


class Journal:
    """Writes events of one attempt. A line an earlier attempt left unfinished is ended first."""

    def __init__(self, work: Path, attempt: int, on_event: Callable[[Event], None] | None = None) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.path, self.attempt, self.on_event = work / EVENTS, attempt, on_event
        self._end_line()

    def say(self, kind: EventKind, **values: Any) -> None:
        """Append one event and hand it on."""
        event = Event(kind=kind, time=round(time.time(), 3), attempt=self.attempt, **values)
        line = msgspec.json.encode(event) + b"\n"
        with self.path.open("ab") as stream:
            stream.write(line)
            stream.flush()
            if kind in {"checkpoint", "stopped", "done", "failed"}:
                os.fsync(stream.fileno())
        if self.on_event:
            self.on_event(event)

    def _end_line(self) -> None:
        if self.path.is_file() and self.path.stat().st_size:
            with self.path.open("rb+") as stream:
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":
                    stream.write(b"\n")


def to_standard_output(event: Event) -> None:
    """Write an event as one line; a reader that has gone is no reason to stop."""
    try:
        sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
