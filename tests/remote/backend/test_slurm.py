"""A run under a real Slurm: queued again at a checkpoint, sent again when killed. The worker is the stub."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.remote.machine import Machine
from pipeline.remote.slurm_launcher import SlurmLauncher
from pipeline.remote.storage.folder import FolderStorage

from .processes import kill, running
from .sending import assert_undisturbed, backend, job
from .slurm import Slurm

pytestmark = pytest.mark.slow


@pytest.fixture
def slurm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """Return a running Slurm, which the commands of this process find."""
    made = Slurm(tmp_path_factory.mktemp("slurm"))
    monkeypatch.setenv("SLURM_CONF", str(made.conf))
    yield made
    made.close()


def test_a_job_out_of_time_is_queued_again_and_a_killed_one_sent_off_again(
    slurm: Slurm, code: Path, tmp_path: Path
) -> None:
    gates, store = tmp_path / "gates", tmp_path / "store"
    gates.mkdir()
    made = job(tmp_path / "job", f"slurm gates {gates}")
    launcher = SlurmLauncher(
        Machine("", sys.executable, place=str(tmp_path / "machine")), str(store), 1, 0, ["--time=60"]
    )
    assert any("main" in line for line in launcher.check())
    training = backend(launcher, FolderStorage(store), str(store), code)
    run, done = training.submit(made), []
    for event in training.events(run):
        if event.kind == "checkpoint" and event.step == 4 and not done:
            number = launcher.state(training._current[run]).message.split()[1]
            slurm.run("scancel", "--batch", "--signal=TERM", number)  # what Slurm sends before the time is up
            done.append("out of time")  # the signal lets it through the gate, to step 5 and its checkpoint
        if event.kind == "checkpoint" and event.step == 8 and len(done) == 1:
            assert not list(store.rglob("sent-002")), "Slurm itself queued it again"
            done.append(kill(running(f"pipeline.remote.start --storage {store}"), "killed"))
            (gates / "9").touch()
            (gates / "13").touch()
    training.collect(run)
    assert done == ["out of time", "killed"]
    assert_undisturbed(made)
    assert [path.name for path in sorted(store.rglob("sent-*"))] == ["sent-001", "sent-002"]
    assert len(list(store.rglob("claim-*"))) == 3
    assert "Traceback" not in launcher.log(training._current[run])
