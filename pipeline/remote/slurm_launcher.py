"""Submissions as Slurm jobs: queued again when preempted or out of time, from the checkpoint the signal left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.remote.errors import Unreachable
from pipeline.remote.launcher import Kind, State, Submission
from pipeline.remote.machine import Machine

NOTICE_SECONDS = 120
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED", "STOPPED"), "waiting"),
    **dict.fromkeys(("RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT"), "running"),
}
_STATE = re.compile(r"[A-Z_]+")
_SCRIPT = """\
#!/bin/sh
#SBATCH --job-name={name}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={folder}/log
#SBATCH --signal=B:TERM@{notice}
#SBATCH --nodes=1
#SBATCH --ntasks=1
{options}
cd "$HOME"
{command} &
child=$!
trap 'kill -TERM $child' TERM
wait $child
code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
[ $code -eq 75 ] && scontrol requeue "$SLURM_JOB_ID"
exit $code
"""


class SlurmLauncher:
    """A cluster's login node, or this machine when it is one."""

    name = "slurm"

    def __init__(self, machine: Machine, storage: str, processes: int, gpus: int, options: Sequence[str] = ()) -> None:
        self._machine, self._storage, self._processes = machine, storage, processes
        self._options = [*([f"--gres=gpu:{gpus}"] if gpus else []), *options]

    def start(self, submission: Submission) -> None:
        """Submit a batch job; its folder, made by the first who comes, keeps a second from being submitted."""
        folder = self._machine.folder(submission)
        code = self._machine.put_code(Path(submission.code))
        script = _SCRIPT.format(
            name=submission.name, folder=folder, notice=NOTICE_SECONDS,
            options="\n".join(f"#SBATCH {option}" for option in self._options),
            command=self._machine.start_command(submission, code, self._processes),
        )  # fmt: skip
        self._machine.run(
            f"mkdir -p {folder} || exit 1; mkdir {folder}/begun 2>/dev/null || exit 0; "
            f"sbatch --parsable > {folder}/job.part && mv {folder}/job.part {folder}/job || "
            f"{{ rmdir {folder}/begun; exit 1; }}",
            script.encode(),
        )

    def state(self, submission: Submission) -> State:
        """Return how the job stands, by `squeue`; one that left the queue has ended."""
        number = self._number(submission)
        if not number:
            return State("gone", "Slurm was never given the job")
        said = self._machine.run(f"squeue --noheader --jobs={number} --format=%T 2>&1 || true").strip()
        if "nvalid job id" in said or not said:
            return State("ended", f"job {number} left the queue")
        last = said.splitlines()[-1].strip()
        if _STATE.fullmatch(last) is None:  # a busy controller, a network that broke: nothing is known of the job
            raise Unreachable(f"squeue says: {last[:200]}", "It is tried again.")
        return State(_KINDS.get(last, "ended"), f"job {number} {last.lower()}")

    def stop(self, submission: Submission) -> None:
        """Cancel the job."""
        if number := self._number(submission):
            self._machine.run(f"scancel {number} 2>/dev/null || true")

    def log(self, submission: Submission) -> str:
        """Return the end of what the job wrote, all its requeued lives together."""
        return self._machine.log(submission)

    def check(self) -> list[str]:
        """Return Slurm's version and what its partitions offer."""
        version = self._machine.run("sinfo --version").strip()
        partitions = self._machine.run("sinfo --noheader --format='%P %a %D nodes %G'").strip().splitlines()
        return [version, *(f"partition {line}" for line in partitions[:20])]

    def close(self) -> None:
        """Nothing is held open."""

    def _number(self, submission: Submission) -> str:
        path = f"{self._machine.folder(submission)}/job"
        lines = self._machine.run(f"[ -f {path} ] && cat {path} || true").strip().splitlines()
        said = lines[-1].partition(";")[0].strip() if lines else ""  # a site's sbatch may have said more before
        return said if said.isdigit() else ""
