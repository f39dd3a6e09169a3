"""What `explain` and `fix` have in common: which finding of which run is meant, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.arguments import add_run, settings_of, workspace_of
from daemon.commands.findings import findings_file

if TYPE_CHECKING:
    import argparse

    from pipeline.assistant.question import Meant


def add_finding(command: Any) -> None:
    """Add the arguments that name a finding."""
    command.add_argument("finding", metavar="FINDING", help="its id or the start of it, or PATH:LINE")
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add_run(command)


def meant(arguments: argparse.Namespace) -> Meant:
    """Return what the arguments name; raise UsageError when that is nothing, or more than one finding."""
    from pipeline.assistant import question

    settings = settings_of(arguments)
    run = findings_file(workspace_of(arguments, settings), arguments.run).parent.parent
    return question.meant(run, arguments.finding, settings)


def visible(text: str) -> str:
    """Return text with everything a terminal would obey made visible."""
    return "".join(char if char in "\n\t" or char.isprintable() else f"\\u{ord(char):04x}" for char in text)
