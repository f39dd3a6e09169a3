"""The stages that train: analysis specialist, then code-fix specialist going on from its adapter."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from config.settings import Settings
from pipeline.models.base import BaseModel, resolve
from pipeline.stage import Context, Progress, Request
from pipeline.training.parts import mixed
from pipeline.training.recipe import Recipe

if TYPE_CHECKING:
    from pipeline.training.backend import TrainingEvent, TrainingResult


class TrainAnalysis:
    """Stage `train-analysis`: `model/` holds the analysis specialist's adapter."""

    name = "train-analysis"
    needs: tuple[str, ...] = ("assemble",)

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the recipe and the base model's name."""
        return _identity(settings, analysis_recipe(settings))

    def run(self, context: Context) -> dict[str, Any]:
        """Train on the analysis examples, from the base model."""
        return train(self.name, context, analysis_recipe(context.settings), _dataset(context) / "analysis")


class TrainCodefix:
    """Stage `train-codefix`: goes on from stage 1's adapter, with a share of its examples replayed."""

    name = "train-codefix"
    needs: tuple[str, ...] = ("assemble", "train-analysis")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the recipe of stage 2 and the base model's name."""
        return _identity(settings, codefix_recipe(settings))

    def run(self, context: Context) -> dict[str, Any]:
        """Train on the code-fix examples; without any, say so and make no model."""
        folder = _dataset(context)
        if not (folder / "codefix" / "train.jsonl").stat().st_size:
            context.warn("There is no known fix to learn from yet, so no code-fix specialist was trained.")
            return {"trained": False}
        return train(
            self.name,
            context,
            codefix_recipe(context.settings),
            folder / "codefix",
            resume_adapter=context.inputs["train-analysis"] / "model",
            replay=folder / "analysis",
        )


class TrainSingle:
    """Stage `train-single`: one adapter for both tasks (`--disable-sequential-fine-tuning`)."""

    name = "train-single"
    needs: tuple[str, ...] = ("assemble",)

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the recipe and the base model's name."""
        return _identity(settings, analysis_recipe(settings))

    def run(self, context: Context) -> dict[str, Any]:
        """Train on both kinds at once, from the base model."""
        part, recipe = mixed(_dataset(context), context.work / "mixed"), analysis_recipe(context.settings)
        if recipe.kl_weight:
            context.warn("`kl_weight` has no effect: there is no stage before this one.")
        return train(self.name, context, recipe, part.train.parent)


def analysis_recipe(settings: Settings) -> Recipe:
    """Return the recipe the settings describe."""
    values = settings.fine_tuning
    return Recipe(**{field.name: getattr(values, field.name) for field in msgspec.structs.fields(Recipe)})


def codefix_recipe(settings: Settings) -> Recipe:
    """Return stage 2's recipe: the same but for its own learning rate."""
    recipe = analysis_recipe(settings)
    return msgspec.structs.replace(recipe, learning_rate=settings.fine_tuning.codefix_learning_rate)


def _identity(settings: Settings, recipe: Recipe) -> dict[str, Any]:
    """Return what decides an adapter beside its data: base model, recipe, and where it is trained."""
    where: Any = settings.fine_tuning.backend
    if where != "mlx":
        where = {"backend": where, "remote": settings.remote.of_a_run()}
    return {"base_model": settings.fine_tuning.base_model_name, "recipe": recipe, "backend": where}


def train(
    stage: str,
    context: Context,
    recipe: Recipe,
    dataset: Path,
    resume_adapter: Path | None = None,
    replay: Path | None = None,
) -> dict[str, Any]:
    """Train in a child process and bring adapter, metrics and curve into the stage's folder."""
    from pipeline.tracking.tracking import recorded
    from pipeline.training import peft
    from pipeline.training.backend import TrainingJob
    from pipeline.training.choice import chosen

    base = _base_model(stage, context)
    output = context.work / "output"
    job = TrainingJob(
        base_model=str(base.path),
        train=str(dataset / "train.jsonl"),
        valid=str(dataset / "valid.jsonl"),
        output=str(output),
        work=str(context.work),
        recipe=recipe,
        resume_adapter=str(resume_adapter) if resume_adapter else None,
        replay=str(replay / "train.jsonl") if replay else None,
        replay_valid=str(replay / "valid.jsonl") if replay else None,
    )
    workspace, run = context.folder.parents[2], context.folder.parent.name
    with (
        chosen(context.settings) as backend,
        recorded(context.settings, workspace, f"{run}-{stage}", stage, recipe, base.name, context.warn) as record,
    ):

        def on_event(event: TrainingEvent) -> None:
            _show(stage, event, context)
            record.event(event)

        result = backend.train(job, on_event)
        record.done(result)
    shutil.copytree(result.adapter, context.folder / "model", ignore=shutil.ignore_patterns("result.json"))
    peft.export(context.folder / "model", context.folder / "model" / peft.FOLDER, base.name)
    return _counts(result, base)


def _base_model(stage: str, context: Context) -> BaseModel:
    context.progress(Progress(stage=stage, message="base model"))
    return resolve(context.settings.fine_tuning.base_model_name)


def _show(stage: str, event: TrainingEvent, context: Context) -> None:
    from pipeline.training.progress import describe

    if event.kind == "warning":
        context.warn(event.message)
    context.progress(Progress(stage=stage, message=describe(event), done=event.step or 0, total=event.steps))


def _dataset(context: Context) -> Path:
    return context.inputs["assemble"] / "dataset"


def _counts(result: TrainingResult, base: BaseModel) -> dict[str, Any]:
    measured: dict[str, Any] = msgspec.to_builtins(result)
    measured.pop("adapter", None)
    measured.pop("seconds", None)
    return {"base_model": base.name, "base_digest": base.digest, "trained": True} | measured
