"""A run over plain ssh, on a real sshd: goes on whatever is killed. The worker is the stub."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from config.errors import InputRefused, Postponed
from pipeline.remote.backend import RemoteBackend
from pipeline.remote.machine import Machine
from pipeline.remote.ssh_launcher import SshLauncher
from pipeline.remote.storage.folder import FolderStorage
from pipeline.remote.storage.interface import Storage
from pipeline.remote.watch import OverBudget
from pipeline.training import backend as trainings
from pipeline.training.backend import TrainingCancelled, TrainingError

from .processes import kill, running
from .sending import assert_undisturbed, backend, job
from .servers import SshServer

pytestmark = pytest.mark.slow


def over_ssh(
    server: SshServer, folder: Path, code: Path, storage: Storage | None = None, **patience: float
) -> RemoteBackend:
    """Return a backend that knows nothing but where the machine is; its disk is seen here too unless told otherwise."""
    machine = Machine("worker", sys.executable, server.folder / "config", str(folder / "machine"))
    store = folder / "store"
    return backend(SshLauncher(machine, str(store), 1), storage or FolderStorage(store), str(store), code, **patience)


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    """Return the folder whose files let the stub go on."""
    folder = tmp_path / "gates"
    folder.mkdir()
    return folder


def open_all(gates: Path) -> None:
    for step in (5, 9, 13):
        (gates / str(step)).touch()


def test_worker_and_its_carrier_are_killed_and_the_losses_are_the_same(
    ssh_server: SshServer, code: Path, tmp_path: Path, gates: Path
) -> None:
    made = job(tmp_path / "job", f"ssh gates {gates}")
    training = over_ssh(ssh_server, tmp_path, code)
    done = []
    for event in training.events(training.submit(made)):
        if event.kind == "checkpoint" and event.step == 4 and not done:
            done.append(kill(running(f"pipeline.remote.start --storage {tmp_path}"), "carrier"))
            (gates / "5").touch()
        if event.kind == "checkpoint" and event.step == 8 and len(done) == 1:
            done.append(kill([int((gates / "worker.pid").read_text())], "worker"))
            open_all(gates)
    assert done == ["carrier", "worker"]
    training.collect(training.submit(made))
    assert_undisturbed(made)


def test_the_machine_is_out_of_reach_for_a_while(
    ssh_server: SshServer, code: Path, tmp_path: Path, gates: Path
) -> None:
    made = job(tmp_path / "job", f"away gates {gates}")
    training = over_ssh(ssh_server, tmp_path, code, ssh_server.storage(tmp_path / "store"))
    events = training.events(training.submit(made))
    next(event for event in events if event.kind == "checkpoint")
    ssh_server.kill()
    assert "goes on" in next(event for event in events if event.kind == "warning").message
    with pytest.raises(Postponed, match="can't be reached"):
        over_ssh(ssh_server, tmp_path, code).submit(made)
    ssh_server.serve()
    open_all(gates)
    assert [event.kind for event in events if event.kind in ("warning", "finished")] == ["finished"]
    training.collect(training.submit(made))
    assert_undisturbed(made)


def test_a_watcher_that_died_is_followed_by_one_that_sends_nothing_off(
    ssh_server: SshServer, code: Path, tmp_path: Path, gates: Path
) -> None:
    made = job(tmp_path / "job", f"watcher gates {gates}")
    abandoned = over_ssh(ssh_server, tmp_path, code)
    run = abandoned.submit(made)
    again = over_ssh(ssh_server, tmp_path, code)
    assert again.submit(made) == run
    open_all(gates)
    trainings.run(again, made, lambda event: None)
    assert [path.name for path in (tmp_path / "store" / run / "control").glob("sent-*")] == ["sent-001"]
    assert_undisturbed(made)


def test_a_cancelled_run_keeps_a_checkpoint_and_goes_on(
    ssh_server: SshServer, code: Path, tmp_path: Path, gates: Path
) -> None:
    made = job(tmp_path / "job", f"cancel gates {gates}")
    training = over_ssh(ssh_server, tmp_path, code)
    run = training.submit(made)
    events = training.events(run)
    next(event for event in events if event.kind == "checkpoint")
    training.cancel(run)
    with pytest.raises(TrainingCancelled):
        list(events)
    open_all(gates)
    steps = [event.step for event in training.events(training.submit(made)) if event.kind == "step"]
    assert steps[0] == 6, "the step before the stop was kept"
    training.collect(run)
    assert_undisturbed(made)


def test_whoever_stops_listening_leaves_a_checkpoint_and_no_process(
    ssh_server: SshServer, code: Path, tmp_path: Path, gates: Path
) -> None:
    made = job(tmp_path / "job", f"leave gates {gates}")
    training = over_ssh(ssh_server, tmp_path, code)
    events = training.events(training.submit(made))
    next(event for event in events if event.kind == "checkpoint")
    events.close()
    assert not running(f"pipeline.remote.start --storage {tmp_path}")
    assert any("step-00000005" in str(path) for path in (tmp_path / "store").rglob("manifest.json"))


def test_an_error_of_the_worker_arrives_as_what_it_is_and_is_not_tried_again(
    ssh_server: SshServer, code: Path, tmp_path: Path
) -> None:
    made = job(tmp_path / "job", "")
    training = over_ssh(ssh_server, tmp_path, code)
    with pytest.raises(InputRefused, match="no example"):
        trainings.run(training, made, lambda event: None)
    assert len(list((tmp_path / "store").rglob("sent-*"))) == 1


def test_a_machine_that_can_never_train_is_given_up(ssh_server: SshServer, code: Path, tmp_path: Path) -> None:
    machine = Machine("worker", "/bin/false", ssh_server.folder / "config", str(tmp_path / "machine"))
    store = tmp_path / "store"
    training = backend(SshLauncher(machine, str(store), 1), FolderStorage(store), str(store), code, losses=2)
    with pytest.raises(TrainingError, match="lost 2 times"):
        trainings.run(training, job(tmp_path / "job"), lambda event: None)


def test_a_run_past_its_budget_is_stopped(ssh_server: SshServer, code: Path, tmp_path: Path, gates: Path) -> None:
    made = job(tmp_path / "job", f"budget gates {gates}")
    training = over_ssh(ssh_server, tmp_path, code, hourly_price=3600.0, budget=500.0)
    with pytest.raises(OverBudget, match="1000"):
        trainings.run(training, made, lambda event: None)
    assert not running(f"pipeline.remote.start --storage {tmp_path}")
