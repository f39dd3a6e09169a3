"""Submissions as jobs of a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from config.secret import Secret
from pipeline.remote.launcher import Kind, State, Submission
from pipeline.remote.ray.address import Address
from pipeline.remote.ray.client import Jobs
from pipeline.remote.ssh import Ssh

_KINDS: dict[str, Kind] = {"PENDING": "waiting", "RUNNING": "running"}
T = Callable[[Jobs], object]


class RayLauncher:
    """Talks to the Jobs API; over ssh through a tunnel, opened when needed and anew when it broke."""

    name = "ray"

    def __init__(self, address: Address, token: Secret, *, workers: int = 1, gpus: float = 0.0) -> None:
        self._address, self._token = address, token
        self._workers, self._gpus = workers, gpus
        self._open = contextlib.ExitStack()
        self._jobs: Jobs | None = None

    def start(self, submission: Submission) -> None:
        """Upload the code unless it is there, and submit under the submission's name."""
        jobs = self._connected()
        code = jobs.upload(Path(submission.code))
        jobs.submit(
            submission.name,
            self._entrypoint(submission),
            {"working_dir": code, "env_vars": {"RAY_TRAIN_ENABLE_PRINT_PATCH": "0"}},
            {"run": submission.run, "submission": str(submission.number)},
        )

    def state(self, submission: Submission) -> State:
        """Return how the job stands, by what the head knows."""
        job = self._connected().find(submission.name)
        if job is None:
            return State("gone", "the cluster doesn't know the job; its head was started anew")
        return State(_KINDS.get(job.status, "ended"), _end_of(job.message or ""))

    def stop(self, submission: Submission) -> None:
        """End the job."""
        self._connected().stop(submission.name)

    def log(self, submission: Submission) -> str:
        """Return what the driver and its workers have written."""
        return self._connected().log(submission.name)

    def check(self) -> list[str]:
        """Return version and way; raise when it isn't reached, doesn't know the token, or asks for none."""
        jobs = self._connected()
        version = jobs.version()
        jobs.check_guarded()
        way = {"loopback": "on this machine", "ssh": f"through ssh to {self._address.host}", "https": "over HTTPS"}
        running = sum(not job.ended for job in jobs.jobs())
        return [f"Ray {version.ray_version} {way[self._address.kind]}, token required, {running} jobs running"]

    def close(self) -> None:
        """Close the connection and the tunnel."""
        self._jobs = None
        self._open.close()

    def _connected(self) -> Jobs:
        if self._jobs is not None and self._address.kind == "ssh" and not self._answers(self._jobs):
            self.close()
        if self._jobs is None:
            url = self._address.url
            if self._address.kind == "ssh":
                url = self._open.enter_context(Ssh(self._address.host).tunnel(self._address.port))
            self._jobs = Jobs(url, self._token)
            self._open.callback(self._jobs.close)
        return self._jobs

    @staticmethod
    def _answers(jobs: Jobs) -> bool:
        from config.errors import Error

        try:
            jobs.version()
        except Error:
            return False
        return True

    def _entrypoint(self, submission: Submission) -> str:
        import shlex

        return shlex.join(
            [
                "python", "-m", "pipeline.remote.ray.driver", "--storage", submission.storage, "--run", submission.run,
                "--submission", str(submission.number), "--workers", str(self._workers), "--gpus", str(self._gpus),
            ]
        )  # fmt: skip


def _end_of(message: str) -> str:
    """Return the last line of what Ray says of a job: the driver's own last word."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
