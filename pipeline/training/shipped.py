"""Recipes by name or file: those that ship with fixsmith, and a person's own."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec
import yaml

from config.errors import UsageError
from pipeline.training.recipe import Recipe

_LARGEST = 100_000


def names() -> tuple[str, ...]:
    """Return the names of the recipes that ship, in order."""
    folder = resources.files("pipeline.training") / "recipes"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def read(name: str) -> Recipe:
    """Return the recipe that ships under `name`, or the one in the YAML file `name`.

    A key left out keeps its default; an unknown or wrong one raises `UsageError`, which names it.
    """
    if name in names():
        text = (resources.files("pipeline.training") / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        text = _own(Path(name).expanduser())
    try:
        return msgspec.convert(yaml.safe_load(text) or {}, Recipe, strict=False)
    except (msgspec.ValidationError, yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise UsageError(f"The recipe {name} can't be used: {said}.", "Each key is a field of a recipe.") from error


def changed(recipe: Recipe, **values: object) -> Recipe:
    """Return `recipe` with the values that aren't None; raises `UsageError` for one out of bounds."""
    given = {key: value for key, value in values.items() if value is not None}
    try:
        return msgspec.convert(msgspec.to_builtins(recipe) | given, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(f"The recipe can't be used: {error}.", "Change that value.") from error


def _own(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.read(_LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"There is no recipe {path}.", f"Name a YAML file, or one of {', '.join(names())}.") from error
