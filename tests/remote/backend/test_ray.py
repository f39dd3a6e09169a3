"""A run on a real Ray head goes on whatever is killed, and ends as if nothing had been.

The worker is a stub that keeps the contract: what is tested is what carries it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import Postponed
from pipeline.remote.ray import head as heads
from pipeline.remote.ray.address import checked
from pipeline.remote.ray.head import Head
from pipeline.remote.ray.launcher import RayLauncher
from pipeline.remote.ray.loopback import processes_of
from pipeline.remote.storage.folder import FolderStorage
from pipeline.remote.storage.opening import opened
from pipeline.training import backend as trainings

from .processes import kill, running
from .sending import assert_undisturbed, backend, job
from .servers import BucketServer
from .worker_python import worker_python

pytestmark = pytest.mark.slow


def launcher(head: Head, port: int = 0) -> RayLauncher:
    return RayLauncher(checked(f"http://127.0.0.1:{port or head.port}"), head.token)


def test_worker_driver_and_head_are_killed_in_turn_and_the_losses_are_the_same(
    head: Head, head_folder: Path, code: Path, tmp_path: Path
) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    made = job(tmp_path / "job", f"kills gates {gates}")
    training = backend(launcher(head), FolderStorage(tmp_path / "store"), str(tmp_path / "store"), code)
    handle = training.submit(made)
    done: list[str] = []
    for event in training.events(handle):
        if event.kind == "checkpoint" and event.step == 4 and not done:
            done += [kill([int((gates / "worker.pid").read_text())], "worker")]
            (gates / "5").touch()
        if event.kind == "checkpoint" and event.step == 8 and len(done) == 1:
            done += [kill(running(f"pipeline.remote.ray.driver --storage {tmp_path}"), "driver")]
            (gates / "9").touch()
        if event.kind == "checkpoint" and event.step == 12 and len(done) == 2:
            done += [kill(processes_of(head.pid), "head")]
            heads.end(head_folder)
            head = heads.start(head_folder, worker_python(), head.port, cpus=4)
            (gates / "13").touch()
    assert done == ["worker", "driver", "head"]
    training.collect(handle)
    assert_undisturbed(made)


def test_the_network_goes_and_comes_and_then_the_watcher_dies(head: Head, code: Path, tmp_path: Path) -> None:
    gates, store = tmp_path / "gates", tmp_path / "store"
    gates.mkdir()
    made = job(tmp_path / "job", f"network gates {gates}")
    with Relay(head.port) as relay:
        training = backend(launcher(head, relay.port), FolderStorage(store), str(store), code)
        events = training.events(training.submit(made))
        assert next(event for event in events if event.kind == "step")
        relay.cut()
        warning = next(event for event in events if event.kind == "warning")
        assert "can't be reached" in warning.message and "goes on" in warning.message
        (gates / "5").touch()
        relay.mend()
        assert next(event for event in events if event.kind == "checkpoint" and event.step == 8)
        relay.cut()
        waiting = backend(launcher(head, relay.port), FolderStorage(store), str(store), code, lost=0.5)
        with pytest.raises(Postponed, match="can't be reached"):
            waiting.submit(made)
    (gates / "9").touch()
    (gates / "13").touch()
    again = backend(launcher(head), FolderStorage(store), str(store), code)
    trainings.run(again, made, lambda event: None)
    assert_undisturbed(made)
    assert [path.name for path in (store / again.submit(made) / "control").glob("sent-*")] == ["sent-001"]
    events.close()


class Relay:
    """A way to the head that can be cut."""

    def __init__(self, upstream: int) -> None:
        from pipeline.remote.ports import free_port

        self.port, self.upstream = free_port(), upstream

    def __enter__(self) -> Relay:
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def mend(self) -> None:
        from .servers import wait_for

        script = str(Path(__file__).parent / "relay.py")
        self.process = subprocess.Popen([sys.executable, script, str(self.port), str(self.upstream)])
        wait_for(self.port, self.process)

    def cut(self) -> None:
        self.process.kill()
        self.process.wait()


def test_a_bucket_carries_a_run_too(
    head_folder: Path, code: Path, tmp_path: Path, bucket_server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = bucket_server.address(monkeypatch)
    heads.end(head_folder)
    head = heads.start(head_folder, worker_python(), cpus=4)  # with the keys in its environment
    made = job(tmp_path / "job", f"bucket {os.getpid()}")
    training = backend(launcher(head), opened(address), address, code)
    trainings.run(training, made, lambda event: None)
    assert_undisturbed(made)
