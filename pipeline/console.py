"""How long work is shown: a bar on a terminal, plain lines in a log, JSON lines for machines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, TextIO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from config.errors import Error
from pipeline.stage import Progress

SECONDS_BETWEEN_LINES = 5.0


class Display(Protocol):
    """Something that shows progress while it is open."""

    def __enter__(self) -> Callable[[Progress], None]:
        """Start showing; return where progress goes."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""
        ...


class JsonLines:
    """One JSON object a line on stdout."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout

    def __enter__(self) -> Callable[[Progress], None]:
        return self.show

    def __exit__(self, *_: object) -> None:
        self.stream.flush()

    def show(self, progress: Progress) -> None:
        """Write the progress as one line."""
        self.stream.write(msgspec.json.encode({"event": "progress", **msgspec.to_builtins(progress)}).decode() + "\n")
        self.stream.flush()


class PlainLines:
    """A line at each stage's start and end, and at most one every few seconds between."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._last = 0.0
        self._stage = ""

    def __enter__(self) -> Callable[[Progress], None]:
        return self.show

    def __exit__(self, *_: object) -> None:
        self.stream.flush()

    def show(self, progress: Progress) -> None:
        """Write the progress unless a line was written just now."""
        now = time.monotonic()
        finished = progress.total is not None and progress.done >= progress.total
        if progress.stage == self._stage and not finished and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last, self._stage = now, progress.stage
        share = f" {progress.done:g}/{progress.total:g}" if progress.total and progress.total > 1 else ""
        self.stream.write(f"{progress.stage}{share}: {progress.message}\n")
        self.stream.flush()


class Bars:
    """A live bar for the stage at work; finished stages stay as lines above it."""

    def __init__(self, console: Console) -> None:
        self.bar = Bar(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[stage]:<15}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=False,
        )
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> Callable[[Progress], None]:
        self.bar.start()
        return self.show

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def show(self, progress: Progress) -> None:
        """Move the stage's bar."""
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self.bar.add_task("", stage=progress.stage, total=progress.total)
        self.bar.update(
            self._tasks[progress.stage],  # type: ignore[arg-type]
            completed=int(progress.done),
            total=progress.total,
            description=progress.message,
        )


def display(*, json: bool) -> Display:
    """Choose how progress is shown: JSON lines, a terminal's bars, or plain lines."""
    if json:
        return JsonLines()
    console = Console(stderr=True)
    return Bars(console) if console.is_terminal else PlainLines()


def print_error(error: Error, *, json: bool = False) -> None:
    """Print what happened and what to do, in one place and one form."""
    if json:
        line: dict[str, Any] = {"event": "error", "kind": type(error).__name__, "exit_code": error.exit_code}
        line |= {"message": error.message, "hint": error.hint}
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stderr.write(f"{error.message}\n")
    if error.hint:
        sys.stderr.write(f"  {error.hint}\n")
