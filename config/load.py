"""Reading settings: the file, then the environment, checked against the types.

Order of precedence: command line, environment (`FIXSMITH_FINE_TUNING_BATCH_SIZE`, or
`FINE_TUNING_BATCH_SIZE` for short), file, default. A value is coerced by its declared type,
never by YAML's guess (`1e-5` is a string to YAML 1.1).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import yaml

from config.errors import SettingsError
from config.settings import Github, Section, Settings, Watched
from config.yaml_text import fault, load

MAX_SETTINGS_BYTES = 1_000_000
MOST_FLOAT, MOST_INT = 1e9, 2**53
HINTS = {
    "Expected `str`, got": "Put it in quotes.",
    "Expected `array`, got": "Write a list: [one, two].",
    "Expected `object`, got": "Write keys with values: {name: owner/name}.",
}
PREFIX = "FIXSMITH_"
SECRETS = ("FIXSMITH_TEACHER_TOKEN",)
"""Variables that aren't settings although they are named like some."""


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of `path` (None: defaults) with the environment's overrides applied.

    Raises SettingsError naming the key or the variable, the value's fault and the nearest right key.
    """
    values = read_file(path) if path is not None else {}
    named = apply_environment(values, os.environ if environment is None else environment)
    return build(values, str(path) if path is not None else "the environment", named)


def read_file(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, empty for an empty file."""
    try:
        if path.stat().st_size > MAX_SETTINGS_BYTES:
            raise SettingsError(f"{path} is larger than a settings file can be.", "Check the path.")
        loaded = load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The settings file {path} can't be read: {error.strerror}.", "Check --config.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} isn't valid YAML: {fault(error)}.", "Fix the file.") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise SettingsError(f"{path} must hold sections with keys, not a {type(loaded).__name__}.", "See the sample.")
    return loaded


def apply_environment(values: dict[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Put each override of the environment into `values`; return the variable by `section.key`.

    A FIXSMITH_ variable that is nearly a setting's is an error; one far from all is not ours to judge.
    """
    known = variables()
    named: dict[str, str] = {}
    for variable, value in environment.items():
        short = variable.removeprefix(PREFIX)
        if short in known:
            if variable.startswith(PREFIX) or PREFIX + short not in environment:
                section, key, kind = known[short]
                _section(values, section)[key] = override(value, kind)
                named[f"{section}.{key}"] = variable
        elif variable.startswith(PREFIX) and variable not in SECRETS:
            _refuse_misspelt(variable, short, known)
    return named


def overriding(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the environment's variables that override settings; raises SettingsError for a misspelt one."""
    return tuple(apply_environment({}, os.environ if environment is None else environment).values())


@cache
def variables() -> dict[str, tuple[str, str, Any]]:
    """Return section, key and type of each setting by the short name of its variable."""
    return {
        f"{section.name}_{key.name}".upper(): (section.name, key.name, key.type)
        for section in msgspec.structs.fields(Settings)
        for key in msgspec.structs.fields(section.type)
    }


def override(text: str, kind: Any) -> Any:
    """Return an environment value as its setting's type wants it: a list as YAML or with commas, else the text."""
    if get_origin(get_args(kind)[0] if get_origin(kind) is Annotated else kind) is not tuple:
        return text
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return load(text)
    except (yaml.YAMLError, RecursionError):
        return text


def _refuse_misspelt(variable: str, short: str, known: Mapping[str, Any]) -> None:
    sections = tuple(section.name.upper() + "_" for section in msgspec.structs.fields(Settings))
    within = short.startswith(sections)
    nearest = _nearest(short, known, 0.5 if within else 0.85)
    if within or nearest != ".":
        raise SettingsError(f"{variable} names no setting{nearest}", "Correct or unset it.")


def build(values: dict[str, Any], origin: str, variables: Mapping[str, str] | None = None) -> Settings:
    """Convert and check a mapping; `origin` names where it came from in messages, `variables` what overrode it."""
    _check_keys(values, origin)
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at ")
        where = at.strip("`").removeprefix("$.") or "the top level"
        hint = next((hint for sign, hint in HINTS.items() if sign in what), "Correct the value.")
        raise SettingsError(f"In {_place(where, origin, variables)}: {what}.", hint) from error
    _check_numbers(settings, origin, variables)
    _check_tokens(settings.github, origin)
    _check_names(settings.github, origin)
    return settings


def _place(where: str, origin: str, variables: Mapping[str, str] | None) -> str:
    """Return what to call a key in a message: by its variable where that gave the value."""
    variable = (variables or {}).get(where.partition("[")[0])
    return variable or f"{origin}, at '{where}'"


def _check_numbers(settings: Settings, origin: str, variables: Mapping[str, str] | None) -> None:
    """Refuse numbers without end: no clock, database or wait can hold them."""
    for section in msgspec.structs.fields(settings):
        for key, value in msgspec.structs.asdict(getattr(settings, section.name)).items():
            most = MOST_FLOAT if isinstance(value, float) else MOST_INT
            if isinstance(value, int | float) and not -most <= value <= most:
                place = _place(f"{section.name}.{key}", origin, variables)
                raise SettingsError(f"In {place}: {value} is too large.", f"Give at most {most:g}.")


def _check_names(github: Github, origin: str) -> None:
    """Refuse a repository that is named twice: the two would share one line of the ledger."""
    seen: set[str] = set()
    for index, watched in enumerate(github.repositories):
        name = watched.name.lower()
        if name in seen:
            raise SettingsError(
                f"In {origin}, at 'github.repositories[{index}]': {name} is there already.", "Remove one of the two."
            )
        seen.add(name)


def _check_tokens(github: Github, origin: str) -> None:
    """Refuse to send one GitHub's token to another."""
    for index, watched in enumerate(github.repositories):
        if watched.base_url and watched.base_url != github.base_url and not watched.token_file:
            raise SettingsError(
                f"In {origin}, at 'github.repositories[{index}].base_url': it needs a token of its own.",
                "Name a file that holds it as token_file beside it.",
            )


def _section(values: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(values.get(name), dict):
        values[name] = {}
    section: dict[str, Any] = values[name]
    return section


def _check_keys(values: dict[str, Any], origin: str) -> None:
    sections = {section.name: section.type for section in msgspec.structs.fields(Settings)}
    for name, content in values.items():
        if name not in sections:
            raise SettingsError(
                f"In {origin}: unknown section '{name}'{_nearest(name, sections)}", "Correct or remove it."
            )
        if content is None:
            raise SettingsError(f"In {origin}: section '{name}' is empty.", "Give it keys or remove it.")
        if isinstance(content, dict):
            _check_section(name, content, sections[name], origin)


def _check_section(name: str, content: dict[str, Any], section: type[Section], origin: str) -> None:
    known = [key.name for key in msgspec.structs.fields(section)]
    for key in content:
        if key not in known:
            raise SettingsError(
                f"In {origin}: unknown key '{name}.{key}'{_nearest(str(key), known)}",
                "Correct or remove it.",
            )
    if section is Github:
        _check_repositories(content.get("repositories"), origin)


def _check_repositories(entries: Any, origin: str) -> None:
    known = [key.name for key in msgspec.structs.fields(Watched)]
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        for key in entry if isinstance(entry, dict) else ():
            if key not in known:
                where = f"github.repositories[{index}].{key}"
                raise SettingsError(
                    f"In {origin}: unknown key '{where}'{_nearest(str(key), known)}", "Correct or remove it."
                )


def valid_part(path: Path | None) -> Settings:
    """Return what can be used of settings that are refused as a whole: each key that is valid beside those before."""
    kept: dict[str, Any] = {}
    with suppress(SettingsError):
        for section, content in (read_file(path) if path is not None else {}).items():
            for key, value in content.items() if isinstance(content, dict) else ():
                tried = {**kept, section: {**kept.get(section, {}), key: value}}
                with suppress(SettingsError):
                    build(tried, "")
                    kept = tried
    return build(kept, "")


def _nearest(key: Any, known: Any, cutoff: float = 0.5) -> str:
    import difflib

    near = difflib.get_close_matches(str(key), [str(name) for name in known], n=1, cutoff=cutoff)
    return f"; did you mean '{near[0]}'?" if near else "."
