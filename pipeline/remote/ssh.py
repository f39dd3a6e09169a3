"""The system's `ssh`, without questions: one command, or a tunnel. Hosts and keys are what ~/.ssh/config says."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pipeline.remote.errors import Gone, RemoteError, RemoteRefused, Unreachable
from pipeline.remote.ports import free_port

OPTIONS = (
    "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15",
    "-o", "ServerAliveCountMax=4", "-o", "ExitOnForwardFailure=yes",
)  # fmt: skip
LOST = 255
"""What ssh ends with when the connection, not the command, failed."""
MISSING = 44
"""What our remote commands end with when a file isn't there."""
TUNNEL_SECONDS = 30.0
_HOST = re.compile(r"(?:[A-Za-z_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9._-]*")
_STRANGER = ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED")


def checked_host(text: str) -> str:
    """Return `HOST` or `USER@HOST`; raise RemoteRefused for what ssh could take for an option or a command."""
    if not _HOST.fullmatch(text):
        raise RemoteRefused(
            f"{text.rpartition('@')[2]!r} names no host ssh could take.",
            "Write ssh://HOST; ports and keys go to ~/.ssh/config.",
        )
    return text


class Ssh:
    """One host as ssh knows it. `config`: another file than ~/.ssh/config."""

    def __init__(self, host: str, config: Path | None = None) -> None:
        self.host = checked_host(host)
        self._command = ("ssh", *(("-F", str(config)) if config else ()), *OPTIONS)
        self._silent = False

    def run(self, command: str, data: IO[bytes] | bytes | None = None, seconds: float = 120.0) -> bytes:
        """Run a shell command there and return what it writes; raises Unreachable, Gone or RemoteError."""
        self._check_silent()
        return self._run(command, data, seconds)

    def _check_silent(self) -> None:
        """Raise RemoteRefused where a login shell talks: it would stand in every answer and every file."""
        if not self._silent and (said := self._run("true")):
            raise RemoteRefused(
                f"{self.host} writes {said[:60].decode('utf-8', 'replace')!r} before every answer.",
                "Keep its ~/.bashrc (or ~/.zshenv) from writing anything when nobody sits there.",
            )
        self._silent = True

    def _run(self, command: str, data: IO[bytes] | bytes | None = None, seconds: float = 120.0) -> bytes:
        given: dict[str, Any] = {"stdin": data}
        if data is None or isinstance(data, bytes):
            given = {"input": data or b""}
        try:
            done = subprocess.run(
                [*self._command, "--", self.host, command], capture_output=True, timeout=seconds, check=False,
                **given,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"{self.host} took more than {seconds:.0f} s.", "It is tried again.") from error
        self._judge(done.returncode, done.stderr)
        return bytes(done.stdout)

    def fetch(self, command: str, target: Path, longest: int) -> None:
        """Write what a command says into `target`, up to `longest` bytes; raises as `run` does."""
        self._check_silent()
        process = subprocess.Popen(
            [*self._command, "--", self.host, command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        size = 0
        with process, target.open("wb") as local:
            while process.stdout is not None and (part := process.stdout.read(1 << 20)):
                size += len(part)
                if size > longest:
                    process.kill()
                    raise RemoteError(f"{self.host} sends more than it said.", "Look into its storage.")
                local.write(part)
            said = process.stderr.read() if process.stderr else b""
        self._judge(process.returncode, said)

    @contextlib.contextmanager
    def tunnel(self, port: int) -> Iterator[str]:
        """Forward a free port of this machine's loopback to `port` of the host's; give the address here.

        What keeps it open is `cat` over there: it ends with our end of its pipe, however this process does.
        """
        local = free_port()
        command = [*self._command, "-L", f"127.0.0.1:{local}:127.0.0.1:{port}", "--", self.host, "exec cat"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            self._wait(process, local)
            yield f"http://127.0.0.1:{local}"
        finally:
            process.terminate()
            process.communicate()

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + TUNNEL_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                self._judge(LOST, process.stderr.read() if process.stderr else b"")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                return
            time.sleep(0.1)
        raise Unreachable(f"The tunnel to {self.host} didn't open.", "Try `ssh` to it by hand.")

    def _judge(self, code: int, said: bytes) -> None:
        if code == 0:
            return
        text = said.decode("utf-8", "replace").strip()
        last = (text.splitlines() or ["no message"])[-1][:200]
        if code == LOST and any(stranger in text for stranger in _STRANGER):
            raise RemoteRefused(
                f"{self.host} shows a host key that isn't the one known for it: {last}",
                f"Find out why before you trust it; then try: ssh {self.host} true",
            )
        if code == LOST:
            raise Unreachable(f"{self.host} can't be reached by ssh: {last}", f"Try: ssh {self.host} true")
        if code == MISSING:
            raise Gone("A file isn't there.", "Start the training again.")
        raise RemoteError(f"A command on {self.host} ended with {code}: {last}", "Look at it there.")
