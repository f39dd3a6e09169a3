"""A machine commands are run on: another one through ssh, or this one. Code is put there by digest."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from pathlib import Path

from pipeline.remote.errors import RemoteError, Unreachable
from pipeline.remote.launcher import Submission
from pipeline.remote.ssh import Ssh

LONGEST_LOG = 1_000_000
_SECONDS = 120.0
_PROBE = "import torch, transformers, peft; print('fixsmith', torch.__version__, torch.cuda.device_count())"


class Machine:
    """`host` as ssh knows it, empty for this machine; `python` has the worker's packages there."""

    def __init__(self, host: str, python: str, config: Path | None = None, place: str = "") -> None:
        self.host, self.python = host, python
        self._ssh = Ssh(host, config) if host else None
        self._place = place

    @property
    def place(self) -> str:
        """Return the folder there that is ours, quoted."""
        if not self._place:
            self._place = self.run('printf %s "$HOME"') + "/.cache/fixsmith"
        return shlex.quote(self._place)

    def run(self, command: str, data: bytes = b"") -> str:
        """Run a shell command there, in the home folder; return what it writes."""
        if self._ssh is not None:
            return self._ssh.run(command, data).decode("utf-8", "replace")
        try:
            done = subprocess.run(
                ["sh", "-c", command], input=data, capture_output=True, timeout=_SECONDS, check=False, cwd=Path.home()
            )
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"A command took more than {_SECONDS:.0f} s.", "It is tried again.") from error
        if done.returncode != 0:
            last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1][:200]
            raise RemoteError(f"A command ended with {done.returncode}: {last}", "Look at it by hand.")
        return done.stdout.decode("utf-8", "replace")

    def put_code(self, code: Path) -> str:
        """Bring a package there unless it is there; return its path, quoted."""
        content = code.read_bytes()
        target = f"{self.place}/code/{hashlib.sha256(content).hexdigest()}.zip"
        if self.run(f"[ -f {target} ] && echo there || true").strip() != "there":
            self.run(f"mkdir -p {self.place}/code && cat > {target}.part && mv -f {target}.part {target}", content)
        return target

    def folder(self, submission: Submission) -> str:
        """Return the folder of a submission's process number, log and exit code."""
        return f"{self.place}/launches/{submission.name}"

    def log(self, submission: Submission) -> str:
        """Return the end of what a submission wrote."""
        path = f"{self.folder(submission)}/log"
        return self.run(f"[ -f {path} ] && tail -c {LONGEST_LOG} {path} || true")

    def check(self) -> str:
        """Return what the interpreter there has, in a line; raise RemoteError when it lacks what training needs."""
        said = self.run(f"{self._interpreter} -c {shlex.quote(_PROBE)}")
        last = (said.strip().splitlines() or [""])[-1].split()
        if len(last) != 3 or last[0] != "fixsmith":
            raise RemoteError(f"{self.python} answers {said[-100:]!r}.", "Is remote.python the worker's interpreter?")
        return f"{self.host or 'this machine'}: torch {last[1]}, {last[2]} GPUs"

    def start_command(self, submission: Submission, code: str, processes: int) -> str:
        """Return the command that trains a submission."""
        words = [
            "-m", "pipeline.remote.start", "--storage", submission.storage, "--run", submission.run,
            "--submission", str(submission.number), "--processes", str(processes),
        ]  # fmt: skip
        return f"PYTHONPATH={code} {self._interpreter} {shlex.join(words)}"

    @property
    def _interpreter(self) -> str:
        """Return the interpreter, quoted; `~/` is the home folder there."""
        inside = self.python.removeprefix("~/")
        return shlex.quote(self.python) if inside == self.python else f'"$HOME"/{shlex.quote(inside)}'
