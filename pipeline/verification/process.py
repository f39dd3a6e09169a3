"""Starting a scanner: own process group, bare environment, no network, limits of time and memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pipeline.verification.interface import ScannerFailed

_POLL = 0.05
_MEMORY_EVERY = 1.0
_PASSED_ON = ("PATH", "LANG", "TMPDIR", "SYSTEMROOT")
_DEAD_PROXY = "http://127.0.0.1:9"
_MACOS_PROFILE = "(version 1)(allow default)(deny network*)"


def run(
    command: Sequence[str],
    folder: Path,
    *,
    seconds: float,
    memory_megabytes: int,
    environment: Mapping[str, str] | None = None,
    output: Path,
) -> int:
    """Run a command in `folder` with stdout in `output`; return its exit status.

    Raises ScannerFailed when it can't be started, takes too long or too much memory.
    """
    with tempfile.TemporaryDirectory(prefix="fixsmith-home-") as home, output.open("wb") as stream:
        try:
            process = subprocess.Popen(
                [*isolation(), *command],
                cwd=folder,
                env=_environment(home, command[0]) | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ScannerFailed(
                f"{command[0]} can't be started: {error.strerror}.", "Check the installation."
            ) from error
        try:
            return _wait(process, Path(command[0]).name, seconds, memory_megabytes)
        finally:
            _end(process)


def _environment(home: str, program: str) -> dict[str, str]:
    """Return the bare variables; what a scanner starts itself (njsscan: semgrep) is first looked for beside it."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _DEAD_PROXY)
    quiet = {
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "NO_PROXY": "",
        "no_proxy": "",
    }
    path = os.pathsep.join([str(Path(program).parent), os.environ.get("PATH", os.defpath)])
    return (
        {"LANG": "C.UTF-8"} | kept | proxies | quiet | {"PATH": path, "HOME": home, "XDG_CACHE_HOME": f"{home}/cache"}
    )


@lru_cache(maxsize=1)
def isolation() -> tuple[str, ...]:
    """Return what to put before a command so that it has no network; empty where nothing of the kind works."""
    if sys.platform == "darwin" and shutil.which("sandbox-exec"):
        return ("sandbox-exec", "-p", _MACOS_PROFILE)
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    prefix = (unshare, "--map-root-user", "--net")
    worked = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if worked else ()


def _wait(process: subprocess.Popen[bytes], name: str, seconds: float, memory_megabytes: int) -> int:
    started = time.monotonic()
    looked = started
    while True:
        try:
            return process.wait(timeout=_POLL)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
        if now - started > seconds:
            raise ScannerFailed(f"{name} took longer than {seconds:.0f} s.", "Raise verification.seconds.")
        if now - looked > _MEMORY_EVERY:
            looked = now
            if memory_of(process.pid) > memory_megabytes:
                raise ScannerFailed(
                    f"{name} took more than {memory_megabytes} MB of memory.", "Raise verification.memory_megabytes."
                )


def memory_of(group: int) -> float:
    """Return the resident memory of a process group in megabytes."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,rss="], capture_output=True, text=True, check=False).stdout
    rows = (line.split() for line in listed.splitlines())
    return sum(int(row[1]) for row in rows if len(row) == 2 and row[0] == str(group)) / 1024


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:
        process.kill()
    process.wait()
