"""The real trainer through its launchers: one process, torchrun's two and Ray's two, killed and taken away."""

from __future__ import annotations

import signal
from pathlib import Path

import msgspec
import pytest

from pipeline.remote.launcher import Launcher
from pipeline.remote.machine import Machine
from pipeline.remote.package import package
from pipeline.remote.ray.address import checked
from pipeline.remote.ray.head import Head
from pipeline.remote.ray.launcher import RayLauncher
from pipeline.remote.ssh_launcher import SshLauncher
from pipeline.remote.storage.folder import FolderStorage
from pipeline.training import backend as trainings
from pipeline.training.backend import TrainingDataset, TrainingJob
from pipeline.training.recipe import Recipe

from .processes import kill, running
from .sending import backend as remote
from .test_contract import RECIPE, base, curve, dataset  # noqa: F401 - fixtures
from .worker_python import worker_python

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("base")]
SAME = 2e-5
"""Losses differ by the order floats are added in."""


def plain(folder: Path, processes: int = 1) -> Launcher:
    return SshLauncher(Machine("", str(worker_python()), place=str(folder / "machine")), str(folder), processes)


def trained(dataset: TrainingDataset, recipe: Recipe, folder: Path, launcher: Launcher) -> TrainingJob:  # noqa: F811
    """Train through a launcher, all of it in `folder`; return the job."""
    training = remote(launcher, FolderStorage(folder), str(folder), package())
    own = msgspec.structs.replace(dataset, output=str(folder / "made"), work=str(folder / "work"))
    job = training.prepare(recipe, own)
    trainings.run(training, job, lambda event: None)
    return job


def assert_same(one: TrainingJob, other: TrainingJob) -> None:
    mine, theirs = curve(one), curve(other)
    assert len(mine) == len(theirs) > 0
    assert max(abs(a - b) for a, b in zip(mine, theirs, strict=True)) < SAME


def test_one_process_torchrun_and_ray_with_two_give_the_same_losses(
    dataset: TrainingDataset,  # noqa: F811
    head: Head,
    tmp_path: Path,
) -> None:
    recipe = Recipe(**RECIPE)
    alone = trained(dataset, recipe, tmp_path / "one", plain(tmp_path / "one"))
    for name, launcher in (
        ("torchrun", plain(tmp_path / "torchrun", 2)),
        ("ray", RayLauncher(checked(head.url), head.token, workers=2)),
    ):
        assert_same(alone, trained(dataset, recipe, tmp_path / name, launcher))


def test_a_real_trainer_killed_and_then_taken_away_ends_as_if_nothing_had_been(
    dataset: TrainingDataset,  # noqa: F811
    tmp_path: Path,
) -> None:
    recipe = Recipe(**RECIPE | {"max_epochs": 60, "save_steps": 20, "eval_steps": 90, "early_stopping_patience": 0})
    undisturbed = trained(dataset, recipe, tmp_path / "plain", plain(tmp_path / "plain"))
    store = tmp_path / "store"
    training = remote(plain(store), FolderStorage(store), str(store), package())
    own = msgspec.structs.replace(dataset, output=str(store / "made"), work=str(store / "work"))
    job, done = training.prepare(recipe, own), []
    run = training.submit(job)
    for event in training.events(run):
        if event.kind == "checkpoint" and len(done) < 2 and event.step and event.step <= 120:
            # the child of our own start, by the scratch folder its spec lies in
            found = [pid for pid in running("pipeline.remote.worker --spec") if is_of(pid, running(str(store)))]
            if found:
                done.append(kill(found, "worker", (signal.SIGKILL, signal.SIGTERM)[len(done)]))
    assert done, "it was never disturbed"
    training.collect(run)
    assert_same(undisturbed, job)
    assert len(list((store / run / "control").glob("sent-*"))) == 1 + len(done)


def is_of(pid: int, parents: list[int]) -> bool:
    """Tell whether a process was started by one of `parents`."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and int(status.read_text().partition("PPid:")[2].split()[0]) in parents
