"""The worker's recipes by name: which base model, for which domains, and how it is trained."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta

from config.errors import InputRefused, NothingToLearn, UsageError
from pipeline.disk import write_atomically
from pipeline.records import Domain
from pipeline.remote.recipe import Recipe

DOMAINS = tuple(f"codellama-{domain}" for domain in ("sast", "sca", "iac", "container", "api", "dast"))
"""The recipes of the six domain specialists."""
_LARGEST = 100_000


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recipe with the base model and the domains it is for. `revision` is the base's commit at the Hub."""

    base_model: Annotated[str, Meta(min_length=1)]
    domains: Annotated[tuple[Domain, ...], Meta(min_length=1)]
    recipe: Recipe
    revision: Annotated[str, Meta(pattern=r"^$|^[0-9a-f]{40}$")] = ""


def names() -> tuple[str, ...]:
    """Return the names of the recipes that ship, in order."""
    return tuple(sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml")))


def read(name: str) -> Plan:
    """Return the recipe that ships under `name`, or the one in the YAML file `name`.

    Raises `UsageError`, which names an unknown key or a wrong value.
    """
    path: Traversable = _folder() / f"{name}.yaml" if name in names() else Path(name).expanduser()
    try:
        text = path.read_text(encoding="utf-8")[:_LARGEST]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"There is no recipe {name}.", f"Name a YAML file, or one of {', '.join(names())}.") from error
    try:
        return msgspec.convert(yaml.safe_load(text), Plan, strict=False)
    except (msgspec.ValidationError, yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise UsageError(f"The recipe {name} can't be used: {said}.", "See pipeline/remote/recipe.py.") from error


def routed(examples: Path, folder: Path, domains: Collection[str], *, may_be_empty: bool = False) -> Path:
    """Write the examples of `domains` to `folder` and return the file.

    An example's domain is in its metadata; raises `InputRefused` for one without, and `NothingToLearn` when none is
    left, unless that may be.
    """
    lines = [line for domain, line in _with_domains(examples) if domain in domains]
    if not lines and not may_be_empty:
        raise NothingToLearn(f"{examples} holds no example of {', '.join(domains)}.", "Choose another recipe.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / examples.name
    write_atomically(target, b"".join(lines))
    return target


def _with_domains(examples: Path) -> Iterator[tuple[str, bytes]]:
    with examples.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield str(json.loads(line)["metadata"]["domain"]), line
            except (ValueError, KeyError, TypeError) as error:
                raise InputRefused(
                    f"{examples.name}, line {number} names no domain.", "Use a data set of fixsmith's."
                ) from error


def _folder() -> Traversable:
    return resources.files("pipeline.remote") / "recipes"
