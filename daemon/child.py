"""The flow's child process: started, listened to, asked to stop, ended."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from daemon import processes

HIDDEN = ("GITHUB_TOKEN", "GH_TOKEN")
READ_BYTES = 64 * 1024
LONGEST_LINE = 1024 * 1024


class Child(Protocol):
    """A run at work."""

    def listen(self, patience: float) -> list[dict[str, Any]]:
        """Return the lines (JSON objects) that have come, waiting at most `patience` seconds for one."""
        ...

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal), None while it works."""
        ...

    def request_stop(self) -> None:
        """Ask it to checkpoint and stop."""
        ...

    def kill(self) -> None:
        """End it and all it has started, at once."""
        ...

    def resident(self) -> int:
        """Return the resident bytes of it and all it has started."""
        ...

    def wake(self) -> None:
        """Make a waiting `listen` return."""
        ...

    @property
    def pid(self) -> int:
        """Its process number."""
        ...

    def close(self) -> None:
        """End what it has left behind and close its pipes."""
        ...


class Launcher(Protocol):
    """What starts children."""

    def start(self, command: Sequence[str], token: str, log: Path) -> Child:
        """Start a command whose processes carry the token; its stderr goes to the log."""
        ...


class ProcessLauncher:
    """Starts real processes, each in a session of its own."""

    def start(self, command: Sequence[str], token: str, log: Path) -> Child:
        """Start a command; the watched repository's token isn't handed on."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(os.environ, token),
                start_new_session=True,
            )
        return ProcessChild(process, token, log)


def environment(inherited: Mapping[str, str], token: str) -> dict[str, str]:
    """Return a child's environment: the daemon's without its tokens, with the mark."""
    kept = {name: value for name, value in inherited.items() if name not in HIDDEN}
    return {**kept, processes.VARIABLE: token, "PYTHONUNBUFFERED": "1"}


class ProcessChild:
    """A real child process. Its stdin stays open as long as the service lives: see `daemon.leash`."""

    def __init__(self, process: subprocess.Popen[bytes], token: str, log: Path) -> None:
        self.process = process
        self.token = token
        self.log = log
        assert process.stdout is not None  # noqa: S101 -- it was opened as a pipe
        self._stdout: IO[bytes] = process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._buffer = b""
        self._open = True
        self._wake_read, self._wake_write = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    def listen(self, patience: float) -> list[dict[str, Any]]:
        """Return the lines that have come; anything that isn't a JSON object goes to the log."""
        for key, _ in self._selector.select(patience):
            if key.fileobj is self._stdout:
                self._read()
            else:
                os.read(self._wake_read, READ_BYTES)
        *lines, self._buffer = self._buffer.split(b"\n")
        if len(self._buffer) > LONGEST_LINE:
            self._buffer = b""
        found = [_decode(line) for line in lines]
        self._log([line for line, said in zip(lines, found, strict=True) if said is None])
        return [said for said in found if said is not None]

    def exit_code(self) -> int | None:
        """Return the exit code once the process has ended; what it said last is there for `listen`."""
        code = self.process.poll()
        if code is None and not self._open:
            try:
                code = self.process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                return None
        if code is not None:
            self._read()
        return code

    def request_stop(self) -> None:
        """Send SIGTERM to the process itself; it stops its own children."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill its group and all that carries the mark; one that hangs in the kernel isn't waited for without end."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        processes.end(self.token, 0.0)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=processes.KILL_SECONDS)

    def resident(self) -> int:
        """Return the resident bytes of everything that carries the mark."""
        return processes.resident_bytes(self.token)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self.process.pid

    def wake(self) -> None:
        """Make a waiting `listen` return."""
        os.write(self._wake_write, b".")

    def close(self) -> None:
        """End what it has left behind and close its pipes."""
        processes.end(self.token, 2.0)
        self._selector.close()
        self._stdout.close()
        if self.process.stdin is not None:
            self.process.stdin.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _read(self) -> None:
        """Take what is there, but no more than a long line: one that never stops mustn't fill the memory."""
        while self._open and len(self._buffer) <= LONGEST_LINE:
            try:
                part = os.read(self._stdout.fileno(), READ_BYTES)
            except BlockingIOError:
                return
            if not part:
                self._open = False
                self._selector.unregister(self._stdout)
                return
            self._buffer += part

    def _log(self, lines: list[bytes]) -> None:
        if lines:
            with suppress(OSError), self.log.open("ab") as log:  # a full disk costs the lines, not the run
                log.writelines(line + b"\n" for line in lines)


def _decode(line: bytes) -> dict[str, Any] | None:
    """Return the object in a line, None when it holds anything else."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
