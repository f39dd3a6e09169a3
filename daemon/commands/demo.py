"""`fixsmith demo`: the main job on artifacts that ship with the project, start to finish."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from config.errors import InputRefused, NotBetter
from pipeline.pipes import reader_may_leave

DEMO = Path(__file__).resolve().parents[2] / "tests" / "demo"
ENDINGS = {
    0: "What is better than the base model by more than chance is in {folder}/champion.\n",
    NotBetter.exit_code: "The small specialists aren't better than the base model yet, so the gate kept them back: "
    "they are in {folder}/models, and {folder}/evaluation/report.html says why.\n",
}


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "demo",
        help="try everything on artifacts that ship with the project",
        description="Scan results of a small vulnerable application in, two trained specialists out, with the "
        "embedded model, on this machine alone. Ends with one finding explained and one fixed by them.",
    )
    command.add_argument("--output-dir", default="demo-output", metavar="DIR", help="workspace (default: demo-output)")
    command.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Run the main job with the demo's settings, then ask both specialists one question each."""
    from pipeline.process_artifacts import main as process_artifacts

    if not DEMO.is_dir():
        raise InputRefused("The demo's artifacts aren't here.", "Run it from a checkout of the project: make demo.")
    options = [
        *("--artifacts-dir", str(DEMO / "artifacts" / "second"), "--source", str(DEMO / "app" / "second")),
        *("--earlier-artifacts", str(DEMO / "artifacts" / "first"), "--earlier-source", str(DEMO / "app" / "first")),
        *("--config", str(DEMO / "settings.yaml"), "--model-name", "embedded"),
        *("--output-dir", arguments.output_dir, "--quick-test"),
    ]
    code = process_artifacts([*options, "--json"] if arguments.json else options)
    if code not in (0, NotBetter.exit_code):
        return code
    if not arguments.json:
        with reader_may_leave():
            _show_answers(Path(arguments.output_dir))
            sys.stdout.write(ENDINGS[code].format(folder=arguments.output_dir))
    return 0


def _show_answers(output: Path) -> None:
    from rich.panel import Panel
    from rich.text import Text

    from pipeline.assistant.answer import Question, answer
    from pipeline.models.base import resolve
    from pipeline.output import Output

    console = Output(highlight=False)
    base = resolve("embedded")
    for kind, title in (("analysis", "A held-out finding, explained"), ("codefix", "A held-out finding, fixed")):
        question = Question.held_out(output, kind)
        if question is None:
            continue
        said = answer(base.path, output / "models" / kind, question.messages)
        console.print(Panel(Text(question.messages[-1].content), title=title, title_align="left", border_style="dim"))
        console.print(Panel(Text(said), title=f"the {kind} specialist says", title_align="left", border_style="green"))
        console.print(Panel(Text(question.expected), title="expected", title_align="left", border_style="dim"))
