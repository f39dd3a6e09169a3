"""From a local job to one a worker understands: recipe, data, base model and code, all named by digest."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from config.errors import UsageError
from config.sections.remote import WorkerChoices
from pipeline.models.base import digest, file_digest
from pipeline.remote import contract, layout
from pipeline.remote.layout import Input, RemoteJob
from pipeline.remote.recipe import Recipe as RemoteRecipe
from pipeline.remote.storage.interface import Storage
from pipeline.training import peft
from pipeline.training.backend import TrainingJob
from pipeline.training.recipe import Recipe

_RESUME = "resume"
_SNAPSHOT = re.compile(r"models--(?P<owner>[\w.-]+?)--(?P<name>[\w.-]+)/snapshots/(?P<revision>[0-9a-f]{40})$")
_LOCAL_ONLY = ("memory_limit_gigabytes", "segment_seconds", "pause_seconds", "shared_prefix", "forgetting_budget")
"""What concerns this machine's memory and display, how a row is computed, and what is decided after training."""


class Planned(msgspec.Struct, frozen=True):
    """A job for a worker and what it needs: files by SHA-256, the base model's folder unless the Hub has it."""

    job: RemoteJob
    files: dict[str, Path]
    model: Path | None
    code: Path

    def changed(self, after: str = "", **spec: object) -> Planned:
        """Return the plan of another run with changes to the spec; `after`: may go on from that run's checkpoints."""
        job = msgspec.structs.replace(self.job, spec=msgspec.structs.replace(self.job.spec, **spec), after=after)
        return msgspec.structs.replace(self, job=_named(job))

    def put(self, storage: Storage) -> None:
        """Bring everything into the storage that isn't there; the job last."""
        run = self.job.spec.run
        if any(entry.name == layout.job_file(run) for entry in storage.entries(run)):
            return
        there = {entry.name for entry in storage.entries("inputs")}
        for sha256, path in self.files.items():
            if layout.input_file(sha256) not in there:
                storage.put(path, layout.input_file(sha256))
        if self.model is not None:
            _put_model(storage, self.model, self.job.model)
        storage.write(layout.run_file(run), b"")
        storage.write(layout.job_file(run), msgspec.json.encode(self.job))


class Planner:
    """Makes plans. `code` builds the worker's package and returns it."""

    def __init__(self, code: Path, choices: WorkerChoices) -> None:
        self._code, self._choices = code, choices

    def recipe(self, recipe: Recipe) -> RemoteRecipe:
        """Return the worker's recipe; raise UsageError for a key it wouldn't apply."""
        if recipe.kl_weight:
            raise UsageError("The CUDA worker doesn't apply `kl_weight`.", "Set it to 0; replay protects stage 1 too.")
        known = {field.name for field in msgspec.structs.fields(RemoteRecipe)}
        values = {name: value for name, value in msgspec.structs.asdict(recipe).items() if name in known}
        dropped = {field.name for field in msgspec.structs.fields(Recipe)} - known - {"kl_weight", *_LOCAL_ONLY}
        if dropped:
            raise UsageError(f"The CUDA worker doesn't apply `{min(dropped)}`.", "Train with the mlx backend.")
        return msgspec.convert(values | msgspec.structs.asdict(self._choices), RemoteRecipe)

    def plan(self, job: TrainingJob) -> Planned:
        """Return the job for the worker; the same job is the same run."""
        files: dict[str, Path] = {}
        inputs: list[Input] = []

        def add(source: Path, path: str) -> contract.DataFile:
            sha256 = file_digest(source)
            files[sha256] = source
            inputs.append(Input(sha256=sha256, path=path))
            return contract.DataFile(path=path, sha256=sha256)

        data = contract.Data(
            train=add(Path(job.train), "data/train.jsonl"),
            valid=add(Path(job.valid), "data/valid.jsonl") if _has_lines(job.valid) else None,
            replay=add(Path(job.replay), "data/replay.jsonl") if job.replay else None,
            replay_valid=add(Path(job.replay_valid), "data/replay_valid.jsonl") if job.replay_valid else None,
        )
        if job.resume_adapter:
            folder = peft.export(Path(job.resume_adapter), Path(job.work) / _RESUME, "base")
            for path in sorted(folder.iterdir()):
                add(path, f"{_RESUME}/{path.name}")
        model, base, folder_here = _base(Path(job.base_model))
        spec = contract.Spec(
            run="unnamed", base=base, data=data, recipe=self.recipe(job.recipe), work="work", output="output",
            resume_adapter=_RESUME if job.resume_adapter else None,
        )  # fmt: skip
        return Planned(_named(RemoteJob(spec=spec, inputs=tuple(inputs), model=model)), files, folder_here, self._code)

    def again(self, job: RemoteJob) -> Planned:
        """Return the plan of a job whose files are in the storage already."""
        return Planned(job, {}, None, self._code)


def _named(job: RemoteJob) -> RemoteJob:
    """Return the job with its run named by the digest of all the rest."""
    unnamed = msgspec.structs.replace(job, spec=msgspec.structs.replace(job.spec, run="unnamed"))
    name = f"fs-{hashlib.sha256(msgspec.json.encode(unnamed, order='sorted')).hexdigest()[:16]}"
    return msgspec.structs.replace(job, spec=msgspec.structs.replace(job.spec, run=name))


def _base(folder: Path) -> tuple[str, contract.Base, Path | None]:
    """Return the model's name in the storage, the spec's base, and the folder to upload (None: the Hub has it)."""
    snapshot = _SNAPSHOT.search(folder.as_posix())
    if snapshot:
        hub = f"{snapshot['owner']}/{snapshot['name']}"
        return "", contract.Base(model=hub, revision=snapshot["revision"]), None
    name = f"models/{digest(folder)}"
    return name, contract.Base(model=name), folder


def _put_model(storage: Storage, folder: Path, name: str) -> None:
    """Copy a base model's folder, its config last: what lies there with one is whole."""
    there = {entry.name for entry in storage.entries(name)}
    paths = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    for path in sorted(paths, key=lambda one: (one.name == "config.json", one.name)):
        if f"{name}/{path.name}" not in there:
            storage.put(path, f"{name}/{path.name}")


def _has_lines(path: str) -> bool:
    return Path(path).stat().st_size > 0
