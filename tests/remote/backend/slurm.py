"""A real Slurm of one node, on the loopback, of the current user; skipped where Debian's slurm-wlm isn't."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.remote.ports import free_port

CONF = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=2
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ctld}
SlurmdPort={slurmd}
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/slurmd.log
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=5
SchedulerParameters=batch_sched_delay=1,sched_interval=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """slurmctld and slurmd of one node."""

    def __init__(self, folder: Path) -> None:
        programs = [shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin") for name in ("slurmctld", "slurmd")]
        if None in programs or shutil.which("sbatch") is None:
            pytest.skip("no Slurm here (Debian: slurm-wlm)")
        self.conf, self._processes = folder / "slurm.conf", []
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        self.conf.write_text(
            CONF.format(
                user=getpass.getuser(), folder=folder, ctld=free_port(), slurmd=free_port(), cpus=os.cpu_count()
            )
        )
        self.environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        for program, name in zip(programs, ("ctld", "slurmd"), strict=True):
            command = [str(program), "-D", *(["-N", "localhost"] if name == "slurmd" else [])]
            with (folder / f"{name}.out").open("wb") as out:
                self._processes.append(subprocess.Popen(command, env=self.environment, stdout=out, stderr=out))
            time.sleep(1.0)
        for _ in range(100):
            if "idle" in self.run("sinfo", "--noheader"):
                return
            time.sleep(0.5)
        self.close()
        raise AssertionError("Slurm's node doesn't come up")

    def run(self, *command: str) -> str:
        """Return what a Slurm command says."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def close(self) -> None:
        """Cancel what runs and end both."""
        self.run("scancel", "--full", "--signal=KILL", f"--user={getpass.getuser()}")
        time.sleep(1.0)
        for process in reversed(self._processes):
            process.kill()
            process.wait()
