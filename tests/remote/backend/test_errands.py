"""What a worker does beside training: a rehearsal before the start, merging after the end. It is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import UsageError
from pipeline.remote.backend import RemoteBackend
from pipeline.remote.contract import Finish
from pipeline.remote.machine import Machine
from pipeline.remote.package import package
from pipeline.remote.ssh_launcher import SshLauncher
from pipeline.remote.storage.folder import FolderStorage
from pipeline.remote.watch import OverBudget
from pipeline.training.backend import TrainingDataset, TrainingEvent
from pipeline.training.recipe import Recipe

from .sending import backend as remote
from .test_contract import RECIPE, base, dataset  # noqa: F401 - fixtures
from .worker_python import worker_python

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("base")
def test_too_dear_a_training_is_never_started_and_a_paid_one_is_merged_afterwards(
    dataset: TrainingDataset,  # noqa: F811
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    machine = Machine("", str(worker_python()), place=str(tmp_path / "machine"))

    def worker(**patience: float) -> RemoteBackend:
        return remote(SshLauncher(machine, str(store), 1), FolderStorage(store), str(store), package(), **patience)

    job = worker().prepare(Recipe(**RECIPE), dataset)
    events: list[TrainingEvent] = []
    with pytest.raises(OverBudget, match="Nothing was trained"):
        worker(hourly_price=1e9, budget=1.0).train(job, events.append)
    (rehearsed,) = (path.name for path in (store / "runs").iterdir())
    assert sum(event.kind == "step" for event in events) == 6 and not (tmp_path / "output").exists()

    found = worker().rehearse(job, events.append)
    assert found.steps == 12 and 0 < found.seconds < 600 and found.tokens_per_second > 0
    assert [path.name for path in (store / rehearsed / "control").glob("sent-*")] == ["sent-001"], "it is remembered"

    paid = worker(hourly_price=1e-6, budget=1.0)
    result = paid.train(job, lambda event: None)
    (run,) = (path.name for path in (store / "runs").iterdir() if path.name != rehearsed)
    events.clear()
    made = paid.finish(run, Finish(merge=True), tmp_path / "models", events.append)
    assert "step" not in {event.kind for event in events}, "nothing is trained again"
    (merged,) = made.delivered
    assert merged.loaded and merged.logits_distance < 1e-5
    assert made.valid_loss_best == result.valid_loss_best
    assert (tmp_path / "models" / "merged" / "model.safetensors").stat().st_size > 100_000
    with pytest.raises(UsageError, match="isn't done"):
        paid.finish("fs-unknown", Finish(merge=True), tmp_path / "none", events.append)
