"""Settings for one specialist of a CUDA worker: a worker's recipe put over those of a person."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.errors import UsageError
from config.sections.recipe import Hyperparameters
from config.sections.remote import WorkerChoices
from config.settings import Settings
from pipeline.findings.redaction import KEY_FILE, load_key
from pipeline.records import Domain
from pipeline.remote import shipped
from pipeline.training.parts import Part

DOMAINS = "domains"
"""Stands for the six domains' own recipes."""


def named(settings: Settings) -> tuple[str, ...]:
    """Return the worker's recipes the settings ask for, `domains` as the six; none: train by the settings alone."""
    names: list[str] = []
    for name in settings.fine_tuning.worker_recipes:
        names += shipped.DOMAINS if name == DOMAINS else (name,)
    if len(folders := [folder(name) for name in names]) != len(set(folders)):
        raise UsageError(f"Recipes are named twice: {', '.join(names)}.", "Name each once.")
    return tuple(names)


def is_one(name: str) -> bool:
    """Tell whether `name` is a worker's recipe, and not one of the trainer here."""
    if name in shipped.names():
        return True
    path = Path(name).expanduser()
    return path.is_file() and any(line.startswith("base_model:") for line in path.read_text("utf-8").splitlines())


def routed(wanted: Sequence[Part], settings: Settings, work: Path) -> tuple[Part, ...]:
    """Return the trainings of a data set on the examples of the settings' domains alone; files go to `work`.

    A code-fix training without any is left out. Raises `NothingToLearn`, and `InputRefused` for examples of no domain.
    """
    domains, made = settings.dataset.domains, dict[str, Part]()
    if not domains or set(domains) == set(Domain):
        return tuple(wanted)
    for part in wanted:
        place = work / "routed" / part.name
        train = shipped.routed(part.train, place, domains, may_be_empty=part.after is not None)
        valid = shipped.routed(part.valid, place, domains, may_be_empty=True)
        if train.stat().st_size:
            after = made.get(part.after.name) if part.after else None
            made[part.name] = msgspec.structs.replace(part, train=train, valid=valid, after=after)
    return tuple(made.values())


def folder(name: str) -> str:
    """Return what a recipe's workspace is called where there are several."""
    return Path(name).stem


def sibling(places: Sequence[Path], number: int) -> Path | None:
    """Return the first of several workspaces, whose stages before the data set the later ones share; None for itself.

    They share its redaction key, without which the same secret would read differently.
    """
    if number == 0:
        return None
    load_key(places[0])
    own = places[number] / KEY_FILE
    if not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(places[0] / KEY_FILE, own)
    return places[0]


def applied(settings: Settings, name: str, base: str = "") -> Settings:
    """Return the settings with base model, domains and every key of recipe `name`. Raises UsageError.

    `base` stands in for the recipe's base model, and so does a folder the settings name.
    """
    if settings.fine_tuning.backend == "mlx":
        raise UsageError(f"Recipe {name} is for a CUDA worker.", "Add --backend ray, ssh or slurm.")
    plan = shipped.read(name)
    recipe = msgspec.structs.asdict(plan.recipe)
    shared = {key: recipe[key] for key in Hyperparameters.__struct_fields__}
    own, prefix = settings.fine_tuning.base_model_name, settings.fine_tuning.hf_repo_prefix
    base = base or (own if Path(own).expanduser().is_dir() else plan.base_model)
    fine_tuning = msgspec.structs.replace(
        settings.fine_tuning, **shared, codefix_learning_rate=plan.recipe.learning_rate, kl_weight=0.0,
        base_model_name=base, worker_recipes=(),
        hf_repo_prefix=f"{prefix}-{folder(name)}" if prefix else "",
        output_model_prefix=f"{settings.fine_tuning.output_model_prefix}-{folder(name)}",
    )  # fmt: skip
    choices = {key: recipe[key] for key in WorkerChoices.__struct_fields__}
    return msgspec.structs.replace(
        settings, fine_tuning=fine_tuning, remote=msgspec.structs.replace(settings.remote, **choices),
        dataset=msgspec.structs.replace(settings.dataset, domains=tuple(map(str, plan.domains))),
    )  # fmt: skip
