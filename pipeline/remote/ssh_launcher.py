"""Submissions as processes of a machine reached by ssh: no Ray, nothing installed but the worker's packages."""

from __future__ import annotations

import shlex
from pathlib import Path

from pipeline.remote.errors import RemoteError
from pipeline.remote.launcher import State, Submission
from pipeline.remote.machine import Machine

_STATE = """\
cd {folder} 2>/dev/null || {{ echo gone; exit 0; }}
[ -f code ] && {{ echo "ended $(cat code)"; exit 0; }}
[ -f pid ] || {{ [ -z "$(find begun -mmin +1)" ] && {{ echo running; exit 0; }}; echo lost; exit 0; }}
ps -ww -o args= -p "$(cat pid)" | grep -qF -- {name} && {{ echo running; exit 0; }}
[ -f code ] && echo "ended $(cat code)" || echo lost
"""


class SshLauncher:
    """One machine; a submission is a session of its own there, and outlives the connection."""

    name = "ssh"

    def __init__(self, machine: Machine, storage: str, processes: int) -> None:
        self._machine, self._storage, self._processes = machine, storage, processes

    def start(self, submission: Submission) -> None:
        """Start a session for it; its folder, made by the first who comes, keeps a second from starting."""
        folder = self._machine.folder(submission)
        code = self._machine.put_code(Path(submission.code))
        command = self._machine.start_command(submission, code, self._processes)
        inner = f"echo $$ > {folder}/pid; {command}; echo $? > {folder}/code"
        self._machine.run(
            f"mkdir -p {folder} || exit 1; mkdir {folder}/begun 2>/dev/null || exit 0; "
            f"nohup setsid sh -c {shlex.quote(inner)} {submission.name} > {folder}/log 2>&1 < /dev/null &"
        )

    def state(self, submission: Submission) -> State:
        """Return whether its session lives."""
        script = _STATE.format(folder=self._machine.folder(submission), name=shlex.quote(submission.name))
        word, _, code = self._machine.run(script).strip().partition(" ")
        match word:
            case "gone":
                return State("gone", f"{self._machine.host} doesn't know the run")
            case "running":
                return State("running")
            case "ended" | "lost":
                return State("ended", f"it ended with {code}" if code else "its process is gone")
        raise RemoteError(f"{self._machine.host} says {word[:60]!r} of the run.", "Is its shell a POSIX one?")

    def stop(self, submission: Submission) -> None:
        """End its session."""
        pid = f"{self._machine.folder(submission)}/pid"
        self._machine.run(f"[ -f {pid} ] && pkill -KILL -s $(cat {pid}) || true")

    def log(self, submission: Submission) -> str:
        """Return the end of what it wrote."""
        return self._machine.log(submission)

    def check(self) -> list[str]:
        """Return what the machine has."""
        return [self._machine.check()]

    def close(self) -> None:
        """Nothing is held open."""
