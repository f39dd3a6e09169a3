"""`fixsmith explain`: a finding explained by the analysis specialist, or the prompt it is asked with."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from config.errors import UsageError
from daemon.commands.findings import findings_file, workspace

if TYPE_CHECKING:
    from pipeline.records import Message

TOKENS = 320


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "explain",
        help="explain a finding with the analysis specialist",
        description="Explain a finding of a run: the analysis specialist of that run is asked, on this machine.",
        epilog="The id stands in the last column of `fixsmith findings`. An explanation is a model's: check it.",
    )
    command.add_argument("finding", metavar="FINDING", help="its id or the start of it, or PATH:LINE")
    command.add_argument(
        "--show-prompt", action="store_true", help="print what the specialist is asked, and don't ask it"
    )
    command.add_argument("--run", metavar="ID", help="the run's id, or its start (default: the newest)")
    command.add_argument(
        "--output-dir", metavar="DIR", help="workspace (default: fine_tuning.workspace_dir of the settings)"
    )
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.add_argument("--config", metavar="FILE", help="settings (default: $FIXSMITH_CONFIG, else the defaults)")


def run(arguments: argparse.Namespace) -> int:
    """Print the prompt, or the specialist's answer to it; return 0."""
    from config.load import load_settings
    from pipeline.assistant.question import material_of, question_of

    file = arguments.config or os.environ.get("FIXSMITH_CONFIG")
    settings = load_settings(Path(file) if file else None)
    folder = findings_file(workspace(arguments), arguments.run).parent.parent.resolve()
    material = material_of(folder, arguments.finding, _characters(folder, settings.knowledge.characters))
    messages = question_of(material)
    said = None if arguments.show_prompt else _answer(folder, messages)
    if arguments.json:
        told = {"finding": material.finding, "messages": messages, "answer": said}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    elif said is None:
        sys.stdout.write("".join(f"[{one.role}]\n{_visible(one.content)}\n\n" for one in messages))
    else:
        sys.stdout.write(_visible(said) + "\n")
    return 0


def _characters(folder: Path, otherwise: int) -> int:
    """Return what passages may take of a prompt: as the run's own data set had it."""
    from pipeline.stage import Manifest

    try:
        manifest = msgspec.json.decode((folder / "assemble" / "manifest.json").read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return otherwise
    return int(manifest.settings.get("characters", otherwise))


def _answer(folder: Path, messages: tuple[Message, ...]) -> str:
    from pipeline.assistant.answer import answer
    from pipeline.models.base import resolve
    from pipeline.stage import Manifest

    for stage in ("train-analysis", "train-single"):
        manifest = folder / stage / "manifest.json"
        if manifest.is_file():
            base = msgspec.json.decode(manifest.read_bytes(), type=Manifest).counts["base_model"]
            return answer(resolve(base).path, folder / stage / "model", messages, TOKENS)
    raise UsageError(
        f"Run {folder.name} has no analysis specialist.", "Run process_artifacts without --skip-fine-tuning."
    )


def _visible(text: str) -> str:
    """Return text with everything a terminal would obey made visible."""
    return "".join(char if char in "\n\t" or char.isprintable() else f"\\u{ord(char):04x}" for char in text)
