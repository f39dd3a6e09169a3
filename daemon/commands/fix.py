"""`fixsmith fix`: a fix for a finding, proposed by the code-fix specialist and verified by scanning again."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec

from config.errors import UsageError
from daemon.commands.asking import add_finding, meant, visible

if TYPE_CHECKING:
    from pipeline.assistant.question import Meant
    from pipeline.assistant.verifying import Proposed, Verifier

TRIES = 4


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "fix",
        help="propose a fix for a finding, and verify it",
        description="Ask the code-fix specialist of a run, or else the champion, for a fix; apply it in a scratch "
        "copy, parse it, scan it again with the scanner that raised the finding, and show the change with the "
        "verdict. Where no answer verifies, a fix that an advisory or a tool offers is tried.",
        epilog="Exits 0 when the last change shown is verified, 1 when none is. Nothing is written without --apply.",
    )
    add_finding(command)
    command.add_argument(
        "--source", metavar="DIR", help="the repository (default: the run's; with --apply its working copy)"
    )
    command.add_argument(
        "--tries", metavar="N", type=int, default=TRIES, help=f"ask at most so often (default: {TRIES})"
    )
    command.add_argument("--apply", action="store_true", help="write the change into --source if it is verified")


def run(arguments: argparse.Namespace) -> int:
    """Show what is proposed; return 0 when it is verified, else 1."""
    from pipeline.assistant.fixing import proposed
    from pipeline.assistant.specialist import specialist_of
    from pipeline.assistant.verifying import is_verified, require_open, verifier_of

    if arguments.tries < 1:
        raise UsageError("--tries must be at least 1.", f"Leave it out for {TRIES}.")
    asked = meant(arguments)
    specialist = specialist_of(asked.run, "codefix")
    require_open(asked)
    with ExitStack() as stack:
        verifier = verifier_of(asked, arguments.source, stack, as_it_is=arguments.apply)
        made = proposed(asked.material, specialist, verifier, arguments.tries)
        if not made:
            raise UsageError(
                f"Run {asked.run.name} has no code-fix specialist, and no tool offers a fix of this finding.",
                "Run process_artifacts without --skip-fine-tuning.",
            )
        best = next((one for one in made if is_verified(one)), None)
        written = _apply(asked, best, verifier) if arguments.apply and best is not None else None
    if arguments.json:
        told = {"finding": asked.material.finding, "verified": best is not None, "proposals": made, "written": written}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _show(made, best, written)
    return 0 if best is not None else 1


def _apply(asked: Meant, best: Proposed, verifier: Verifier) -> str:
    from pipeline.assistant.applying import write
    from pipeline.verification.change import apply

    if verifier.snapshot is None or verifier.source is None:
        raise UsageError("There is no source to write into.", "Name the working copy with --source.")
    return str(write(apply(asked.material.finding, best.fix, verifier.snapshot), verifier.source))


def _show(made: list[Proposed], best: Proposed | None, written: str | None) -> None:
    shown = [best] if best is not None else made
    for one in shown:
        check = f" ({one.verdict.check})" if one.verdict.check else ""
        sys.stdout.write(visible(one.diff))
        sys.stdout.write(f"{one.verdict.outcome}{check}: {visible(one.verdict.evidence)}; from: {one.fix.source}\n\n")
    if best is not None and (before := made.index(best)):
        sys.stdout.write(f"Proposals before it that weren't verified: {before}.\n")
    if best is None:
        sys.stdout.write("No proposal was verified: nothing to apply.\n")
    if written is not None:
        sys.stdout.write(f"Written into {written}.\n")
