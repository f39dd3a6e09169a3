"""What `explain` and `fix` have in common: which finding of which run is meant, and what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from daemon.arguments import add_run, settings_of, workspace_of
from daemon.commands.findings import findings_file

if TYPE_CHECKING:
    import argparse

    from config.settings import Settings
    from pipeline.dataset.examples import Material


class Meant(msgspec.Struct, frozen=True):
    """The finding that is meant, with the folder of its run and the settings in force."""

    settings: Settings
    run: Path
    material: Material


def add_finding(command: Any) -> None:
    """Add the arguments that name a finding."""
    command.add_argument("finding", metavar="FINDING", help="its id or the start of it, or PATH:LINE")
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add_run(command)


def meant(arguments: argparse.Namespace) -> Meant:
    """Return what the arguments name; raise UsageError when that is nothing, or more than one finding."""
    from pipeline.assistant.question import material_of

    settings = settings_of(arguments)
    run = findings_file(workspace_of(arguments, settings), arguments.run).parent.parent
    material = material_of(run, arguments.finding, _characters(run, settings.knowledge.characters))
    return Meant(settings, run, material)


def visible(text: str) -> str:
    """Return text with everything a terminal would obey made visible."""
    return "".join(char if char in "\n\t" or char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def _characters(folder: Path, otherwise: int) -> int:
    """Return what passages may take of a prompt: as the run's own data set had it."""
    from pipeline.stage import Manifest

    try:
        manifest = msgspec.json.decode((folder / "assemble" / "manifest.json").read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return otherwise
    return int(manifest.settings.get("characters", otherwise))
