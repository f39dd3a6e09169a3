"""A real training, written down by the real trackers, read back with their own readers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
from pipeline.models import blas

blas.load()

from config.load import load_settings  # noqa: E402
from daemon.cli import main  # noqa: E402
from pipeline.models import tiny  # noqa: E402
from pipeline.tracking.tracking import Record, recorded  # noqa: E402
from pipeline.training.backend import TrainingEvent  # noqa: E402
from pipeline.training.recipe import Recipe  # noqa: E402
from tests.training.conftest import write  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # the trackers' own
SETTINGS = """
tracking: {{trackers: [mlflow, tensorboard, wandb], experiment: shop, mlflow_uri: "{uri}"}}
fine_tuning: {{batch_size: 4, rank: 4, max_epochs: 2, eval_steps: 3, save_steps: 3, warmup_steps: 1,
  workspace_dir: {work}}}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the workspace of a training with all three trackers."""
    folder = tmp_path_factory.mktemp("tracked")
    write(folder / "train.jsonl", range(11))
    write(folder / "valid.jsonl", range(20, 24))
    (folder / "settings.yaml").write_text(SETTINGS.format(uri="", work=folder / "work"))
    base = tiny.make(folder / "base", "llama")
    command = ["train", "--dataset", str(folder), "--output-name", "one", "--base-model", str(base), "--json"]
    assert main([*command, "--config", str(folder / "settings.yaml")]) == 0
    return folder / "work"


@pytest.fixture(scope="module")
def losses(workspace: Path) -> dict[int, float]:
    """Return the training losses by step, as the trainer wrote them."""
    lines = map(json.loads, (workspace / "trained" / "one" / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def client(workspace: Path) -> Any:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{workspace / 'tracking' / 'mlflow' / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def test_mlflow_has_parameters_metrics_the_adapter_and_a_registered_model(
    workspace: Path, losses: dict[int, float]
) -> None:
    mlflow = client(workspace)
    experiment = mlflow.get_experiment_by_name("shop")
    (run,) = mlflow.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert (run.data.params["rank"], run.data.params["backend"]) == ("4", "mlx")
    history = {one.step: one.value for one in mlflow.get_metric_history(run.info.run_id, "train/loss")}
    assert history == pytest.approx(losses)
    assert run.data.metrics["result/steps"] == len(losses) and "valid/loss" in run.data.metrics
    (version,) = mlflow.search_model_versions("name='fixsmith-security-olmo-single'")
    assert version.run_id == run.info.run_id
    kept = Path(version.source.removeprefix("file://")) / "adapters.safetensors"
    assert kept.read_bytes() == (workspace / "trained" / "one" / "adapters.safetensors").read_bytes()


def test_tensorboard_shows_the_curve(workspace: Path, losses: dict[int, float]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = {path.parent for path in (workspace / "tracking" / "tensorboard").rglob("events.*")}
    read = EventAccumulator(str(folder)).Reload()
    assert {one.step: one.value for one in read.Scalars("train/loss")} == pytest.approx(losses, rel=1e-5)
    assert read.Scalars("valid/loss")


def test_wandb_writes_offline_alone(workspace: Path) -> None:
    (run,) = (workspace / "tracking" / "wandb").rglob("run-*.wandb")
    content = run.read_bytes()
    assert "offline-run" in run.parent.name and b"train/loss" in content and b"fixsmith-security-olmo-single" in content


def settings(folder: Path, uri: str = "") -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "settings.yaml").write_text(SETTINGS.format(uri=uri, work=folder))
    return load_settings(folder / "settings.yaml")


def open_record(folder: Path, said: list[str], uri: str = "") -> Any:
    return recorded(settings(folder, uri), folder, "run-train", "analysis", Recipe(), "base", said.append)


def step(record: Record, number: int) -> None:
    record.event(TrainingEvent(kind="step", step=number, loss=1.0 / number))


def test_an_interrupted_training_goes_on_in_the_same_run(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt), open_record(tmp_path, said) as record:
        step(record, 1)
        raise KeyboardInterrupt
    with open_record(tmp_path, said) as record:
        step(record, 1)
        step(record, 2)
    mlflow = client(tmp_path)
    (run,) = mlflow.search_runs([mlflow.get_experiment_by_name("shop").experiment_id])
    assert run.info.status == "FINISHED" and run.data.metrics["train/loss"] == 0.5
    assert len({path.parent for path in (tmp_path / "tracking" / "tensorboard").rglob("events.*")}) == 1
    assert said == []


def test_a_tracker_that_does_not_answer_stops_no_training(tmp_path: Path) -> None:
    said: list[str] = []
    with open_record(tmp_path, said, "http://127.0.0.1:1") as record:
        step(record, 1)
    assert len(said) == 1 and said[0].startswith("mlflow isn't told of this training")
    assert list((tmp_path / "tracking" / "tensorboard").rglob("events.*"))
