"""A Ray head on this machine's loopback, with a token: for a box of one's own, and for tests.

It is started in a session of its own and ended by that session alone: `ray stop` ends every Ray of the
machine by name. Ray's own `--node-ip-address` doesn't keep it on the loopback on Linux; the variable
RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER does.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import msgspec

from config.errors import Error, UsageError
from config.secret import Secret
from pipeline.remote.errors import RemoteError, Unreachable
from pipeline.remote.ports import free_port, is_free
from pipeline.remote.ray.client import Jobs
from pipeline.remote.ray.loopback import commands_of, exposed, processes_of

TOKEN = "token"  # noqa: S105 - the file's name
NOTE = "head.json"
LOG = "head.log"
START_SECONDS = 300.0
END_SECONDS = 5.0
_STARTED: dict[int, subprocess.Popen[bytes]] = {}  # ours to reap


class Head(msgspec.Struct, frozen=True):
    """A running head: its process (leader of its session), its dashboard's port, its folder."""

    pid: int
    port: int
    folder: str

    @property
    def url(self) -> str:
        """Return the dashboard's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> Secret:
        """Return its token."""
        return Secret((Path(self.folder) / TOKEN).read_text().strip())


def start(folder: Path, python: Path, port: int = 0, cpus: int = 0) -> Head:
    """Start a head whose files lie in `folder`, with the Ray of interpreter `python`; wait until it answers.

    `port` is the dashboard's, `cpus` how many it says it has (0: as found). An earlier head of the same
    folder that still runs is returned as it is.
    """
    if (there := running(folder)) is not None:
        return there
    if port and not is_free(port):
        raise UsageError(f"Port {port} of this machine can't be listened on.", "Choose a --port that nobody uses.")
    ray = python.parent / "ray"
    if not ray.is_file():
        raise Error(f"There is no Ray beside {python}.", "Install the worker's environment: docs/remote.md.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    if not (folder / TOKEN).exists():
        _private(folder / TOKEN, secrets.token_urlsafe(32))
    shutil.rmtree(folder / "ray", ignore_errors=True)
    port = port or free_port()
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            _command(ray, folder, port, cpus), env=environment(folder, python), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    _STARTED[process.pid] = process
    head = Head(process.pid, port, str(folder))
    (folder / NOTE).write_bytes(msgspec.json.encode(head))
    _wait(head, process)
    return head


def running(folder: Path) -> Head | None:
    """Return the head whose files lie in `folder`, None when none runs."""
    try:
        head = msgspec.json.decode((folder / NOTE).read_bytes(), type=Head)
    except (OSError, msgspec.MsgspecError):
        return None
    return head if head.pid in processes_of(head.pid) and _is_ours(head) else None


def end(folder: Path) -> bool:
    """End the head of `folder` with all it started; return whether there was one."""
    try:
        head = msgspec.json.decode((folder / NOTE).read_bytes(), type=Head)
    except (OSError, msgspec.MsgspecError):
        return False
    found = _is_ours(head)
    for number in (signal.SIGTERM, signal.SIGKILL) if found else ():
        _signal(processes_of(head.pid), number)
        deadline = time.monotonic() + END_SECONDS
        while processes_of(head.pid) and time.monotonic() < deadline:
            _reap(head.pid)
            time.sleep(0.1)
    _reap(head.pid)
    (folder / NOTE).unlink(missing_ok=True)
    return found


def _is_ours(head: Head) -> bool:
    """Tell whether the session is still the head's: after a restart of the machine its number may be another's."""
    return any(str(Path(head.folder) / "ray") in command for command in commands_of(head.pid))


def environment(folder: Path, python: Path) -> dict[str, str]:
    """Return what a head finds in its environment: ours, on the loopback, with a token, saying nothing home."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_PRELOAD")}
    return kept | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / TOKEN),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DASHBOARD_STARTUP_TIMEOUT_S": str(int(START_SECONDS)),
        "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
    }


def _command(ray: Path, folder: Path, port: int, cpus: int) -> list[str]:
    command = [
        str(ray), "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={free_port()}",
        "--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={port}",
        f"--dashboard-agent-listen-port={free_port()}", f"--ray-client-server-port={free_port()}",
        "--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats", f"--temp-dir={folder / 'ray'}",
    ]  # fmt: skip
    return [*command, f"--num-cpus={cpus}"] if cpus else command


def _wait(head: Head, process: subprocess.Popen[bytes]) -> None:
    jobs = Jobs(head.url, head.token, silence=10.0)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(Unreachable, RemoteError):
            jobs.jobs()  # answered by an agent that starts last
            return _check_loopback(head)
        time.sleep(0.5)
    end(Path(head.folder))
    raise Error("The Ray head didn't start.", f"{Path(head.folder) / LOG} says why.")


def _check_loopback(head: Head) -> None:
    """End the head again if other machines could reach any port of it."""
    if open_ports := exposed(processes_of(head.pid)):
        end(Path(head.folder))
        raise Error(
            f"The Ray head listened on {', '.join(open_ports)}, so it was ended.", "Is RAY_* set in the environment?"
        )


def _signal(processes: list[int], number: signal.Signals) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _reap(pid: int) -> None:
    if pid in _STARTED and _STARTED[pid].poll() is not None:
        del _STARTED[pid]


def _private(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
