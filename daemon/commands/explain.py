"""`fixsmith explain`: a finding explained by the analysis specialist, or the prompt it is asked with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from daemon.commands.asking import add_finding, meant, visible

if TYPE_CHECKING:
    from pipeline.records import Message

TOKENS = 320


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "explain",
        help="explain a finding with the analysis specialist",
        description="Explain a finding of a run: the analysis specialist of that run, or else the champion, is "
        "asked, on this machine.",
        epilog="The id stands in the last column of `fixsmith findings`. An explanation is a model's: check it.",
    )
    add_finding(command)
    command.add_argument(
        "--show-prompt", action="store_true", help="print what the specialist is asked, and don't ask it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the prompt, or the specialist's answer to it; return 0."""
    from pipeline.assistant.question import question_of

    asked = meant(arguments)
    messages = question_of(asked.material)
    said = None if arguments.show_prompt else _answer(asked.run, messages)
    if arguments.json:
        told = {"finding": asked.material.finding, "messages": messages, "answer": said}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    elif said is None:
        sys.stdout.write("".join(f"[{one.role}]\n{visible(one.content)}\n\n" for one in messages))
    else:
        sys.stdout.write(visible(said) + "\n")
    return 0


def _answer(run: Path, messages: tuple[Message, ...]) -> str:
    from pipeline.assistant.answer import answer
    from pipeline.assistant.specialist import require_specialist
    from pipeline.models.base import resolve

    specialist = require_specialist(run, "analysis")
    return answer(resolve(specialist.base).path, Path(specialist.adapter), messages, TOKENS)
