"""Jobs to send off, and what comes back of an undisturbed one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from config.sections.remote import WorkerChoices
from pipeline.remote.backend import RemoteBackend
from pipeline.remote.launcher import Launcher
from pipeline.remote.plan import Planner
from pipeline.remote.storage.interface import Storage
from pipeline.remote.watch import Patience
from pipeline.training.backend import TrainingJob
from pipeline.training.recipe import Recipe

from .stub_worker import STEPS, expected


def backend(launcher: Launcher, storage: Storage, there: str, code: Path, **patience: float) -> RemoteBackend:
    """Return a backend; a new one is what a service finds after its own death."""
    values: dict[str, Any] = {"poll": 0.5, "lost": 120.0, "stop": 60.0} | patience
    return RemoteBackend(launcher, storage, there, Planner(code, WorkerChoices(precision="f32")), Patience(**values))


def job(folder: Path, said: str = "one", **recipe: object) -> TrainingJob:
    """Return a job on made-up data; `said` decides the losses."""
    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text(f"{said}\n" if said else "")
    (folder / "valid.jsonl").write_text("")
    (folder / "base").mkdir(exist_ok=True)
    (folder / "base" / "config.json").write_text("{}")
    return TrainingJob(
        base_model=str(folder / "base"), train=str(folder / "train.jsonl"), valid=str(folder / "valid.jsonl"),
        output=str(folder / "output"), work=str(folder / "work"), recipe=Recipe(**{"save_steps": 4} | recipe),
    )  # fmt: skip


def assert_undisturbed(made: TrainingJob) -> None:
    """Assert that output and losses are those of a training nothing happened to."""
    output = Path(made.output)
    curve = [json.loads(line)["loss"] for line in (output / "metrics.jsonl").read_text().splitlines()]
    assert curve == expected(Path(made.train)) and len(curve) == STEPS
    about = json.loads((output / "adapter_config.json").read_text())
    assert about["lora_parameters"]["keys"] == ["self_attn.q_proj"] and about["num_layers"] == 2
