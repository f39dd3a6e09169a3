"""A specialist that stays loaded between questions, and leaves when nobody asks."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import IO, cast

import msgspec

from config.errors import Error
from pipeline.assistant.answer import COMMAND, SECONDS, Asked, Said, could_not
from pipeline.models import blas

IDLE_SECONDS = 300.0


class Resident:
    """Answers as `answer.ask` does, one question at a time, from a child process that lives on.

    It ends after `idle` seconds without a question, so that a waiting server holds no model, and
    when a question takes longer than `limit`; the next question starts another.
    """

    def __init__(self, idle: float = IDLE_SECONDS, limit: float = SECONDS, command: Sequence[str] = COMMAND) -> None:
        self.idle, self.limit, self.command = idle, limit, command
        self._one_at_a_time = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._leaving: threading.Timer | None = None

    def __call__(self, asked: Asked) -> tuple[Said, ...]:
        """Return the answers, in the order of the seeds; raise Error when there is none."""
        with self._one_at_a_time:
            self._stay()
            child = self._running()
            late = threading.Event()
            overdue = threading.Timer(self.limit, _too_late, (child, late))
            overdue.start()
            try:
                line = self._ask(child, asked)
            finally:
                overdue.cancel()
            if not line.endswith(b"\n"):
                said = self._end(child)
                raise _overdue(self.limit) if late.is_set() else could_not(said)
            self._leaving = threading.Timer(self.idle, self.close)
            self._leaving.daemon = True
            self._leaving.start()
            return msgspec.json.decode(line, type=tuple[Said, ...])

    @property
    def is_loaded(self) -> bool:
        """Tell whether a model is held."""
        return self._child is not None and self._child.poll() is None

    def close(self) -> None:
        """End the child, once it has answered; the next question starts another."""
        with self._one_at_a_time:
            self._stay()
            if self._child is not None:
                self._end(self._child)

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        if self._child is not None:
            self._end(self._child)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=blas.environment()
        )
        return self._child

    def _ask(self, child: subprocess.Popen[bytes], asked: Asked) -> bytes:
        stdin, stdout = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
        with contextlib.suppress(BrokenPipeError):
            stdin.write(msgspec.json.encode(asked) + b"\n")
            stdin.flush()
        return stdout.readline()

    def _end(self, child: subprocess.Popen[bytes]) -> bytes:
        """End the child and return what it wrote to stderr."""
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        said = b""
        if self._errors is not None:
            self._errors.seek(0)
            said = self._errors.read()
            self._errors.close()
        self._child = self._errors = None
        return said


def _too_late(child: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    child.kill()


def _overdue(seconds: float) -> Error:
    return Error(f"The specialist took longer than {seconds:g} seconds.", "Ask again, or use a smaller base model.")
