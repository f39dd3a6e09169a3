"""The contract of `TrainingBackend` over every backend: real trainers, a tiny model of CodeLlama's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from config.errors import InputRefused, Postponed, UsageError
from pipeline.models import blas

blas.load()

from pipeline.models import tiny  # noqa: E402
from pipeline.models.load import answer_losses, load  # noqa: E402
from pipeline.remote.machine import Machine  # noqa: E402
from pipeline.remote.package import package  # noqa: E402
from pipeline.remote.ray.address import checked  # noqa: E402
from pipeline.remote.ray.head import Head  # noqa: E402
from pipeline.remote.ray.launcher import RayLauncher  # noqa: E402
from pipeline.remote.ssh_launcher import SshLauncher  # noqa: E402
from pipeline.remote.storage.folder import FolderStorage  # noqa: E402
from pipeline.training import backend as trainings  # noqa: E402
from pipeline.training.backend import TrainingBackend, TrainingDataset, TrainingEvent, TrainingJob  # noqa: E402
from pipeline.training.mlx.backend import MlxBackend  # noqa: E402
from pipeline.training.recipe import Recipe  # noqa: E402
from tests.training.conftest import conversation, write  # noqa: E402

from .sending import backend as remote  # noqa: E402
from .worker_python import worker_python  # noqa: E402

pytestmark = pytest.mark.slow
RECIPE = {"learning_rate": 1e-2, "max_epochs": 4, "rank": 4, "alpha": 8.0, "save_steps": 2, "eval_steps": 4}
LONG_ENOUGH = {"max_epochs": 300, "save_steps": 30, "eval_steps": 300}
"""Elsewhere a stop takes seconds to arrive; the training must still be going on then."""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny random model as CodeLlama is shaped: Llama, heads of its own for each, no tied embeddings."""
    folder = tmp_path_factory.mktemp("base") / "codellama"
    return tiny.make(folder, "llama", num_key_value_heads=4, tie_word_embeddings=False, rope_theta=1e6)


@pytest.fixture(params=["mlx", "ssh", "ray"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], TrainingBackend]:
    """Return what makes a new backend that knows nothing of an older one."""
    if request.param == "mlx":
        return MlxBackend
    store, python = tmp_path / "store", worker_python()
    if request.param == "ssh":
        machine = Machine("", str(python), place=str(tmp_path / "machine"))
        return lambda: remote(SshLauncher(machine, str(store), 1), FolderStorage(store), str(store), package())
    head: Head = request.getfixturevalue("head")
    launcher = RayLauncher(checked(head.url), head.token)
    return lambda: remote(launcher, FolderStorage(store), str(store), package())


@pytest.fixture
def dataset(tmp_path: Path, base: Path) -> TrainingDataset:
    """Return eleven conversations to learn and four to measure on."""
    return TrainingDataset(
        base_model=str(base), train=str(write(tmp_path / "train.jsonl", range(11))),
        valid=str(write(tmp_path / "valid.jsonl", range(20, 24))), output=str(tmp_path / "output"),
        work=str(tmp_path / "work"),
    )  # fmt: skip


def curve(job: TrainingJob) -> list[float]:
    lines = (Path(job.output) / "metrics.jsonl").read_text().splitlines()
    return [line["loss"] for line in map(json.loads, lines) if "loss" in line]


def test_a_training_says_what_it_does_and_leaves_an_adapter_that_evaluates_as_it_says(
    backend: Callable[[], TrainingBackend], dataset: TrainingDataset
) -> None:
    training = backend()
    job = training.prepare(Recipe(**RECIPE), dataset)
    handle = training.submit(job)
    events = list(training.events(handle))
    result = training.collect(handle)
    kinds = [event.kind for event in events]
    assert kinds[0] == "started" and kinds[-1] == "finished" and {"step", "valid", "checkpoint"} <= set(kinds)
    assert [event.step for event in events if event.kind == "step"] == list(range(1, result.steps + 1))
    assert result.train_loss_last < 0.8 * result.train_loss_first and len(curve(job)) == result.steps
    assert result.adapter == job.output and result.examples == 11 and result.examples_seen == 44
    model, tokenizer = load(Path(job.base_model), Path(job.output))
    losses = [
        loss
        for each in answer_losses(model, tokenizer, [conversation(number)["messages"] for number in range(20, 24)])
        for loss in each
    ]
    assert sum(losses) / len(losses) == pytest.approx(result.valid_loss_best, abs=2e-3)


def test_a_cancelled_training_goes_on_with_a_new_backend_to_the_same_losses(
    backend: Callable[[], TrainingBackend], dataset: TrainingDataset, tmp_path: Path
) -> None:
    training = backend()
    longer = {"max_epochs": 8} if training.name == "mlx" else LONG_ENOUGH
    recipe = Recipe(**RECIPE | {"dropout": 0.1, "early_stopping_patience": 0} | longer)
    job = training.prepare(recipe, dataset)
    handle, asked = training.submit(job), False
    with pytest.raises(Postponed):
        for event in training.events(handle):
            if event.kind == "step" and not asked:
                training.cancel(handle)
                asked = True
    events: list[TrainingEvent] = []
    trainings.run(backend(), job, events.append)
    assert next(event.step for event in events if event.kind == "step") > 1
    changes = {"output": str(tmp_path / "plain"), "work": str(tmp_path / "plain-work")}
    plain = MlxBackend().prepare(recipe, dataset) if training.name == "mlx" else None
    if plain is not None:
        plain = msgspec.structs.replace(plain, **changes)
        trainings.run(MlxBackend(), plain, lambda event: None)
        assert curve(plain) == curve(job)


def test_data_that_cannot_be_learned_from_is_refused_as_such(
    backend: Callable[[], TrainingBackend], dataset: TrainingDataset
) -> None:
    training = backend()
    with pytest.raises(InputRefused, match="missing"):
        training.prepare(Recipe(**RECIPE), msgspec.structs.replace(dataset, train="nowhere.jsonl"))
    Path(dataset.train).write_text("")
    with pytest.raises(InputRefused, match="no example"):
        trainings.run(training, training.prepare(Recipe(**RECIPE), dataset), lambda event: None)
    with pytest.raises(UsageError, match="99"):
        write(Path(dataset.train), range(11))
        trainings.run(training, training.prepare(Recipe(**RECIPE, layers=99), dataset), lambda event: None)
