"""`fixsmith report`: the evaluation as one page, and as pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from config.errors import UsageError
from daemon.arguments import add_workspace, settings_of, workspace_of


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "report",
        help="the evaluation as a page",
        description="Write an evaluation as one self-contained HTML page: no network, no script, light and dark, "
        "printable. Several reports of runs with other seeds give box plots over seeds.",
    )
    command.add_argument("report", nargs="*", metavar="REPORT", help="report.json, or a run's folder (default: newest)")
    command.add_argument("--to", metavar="FILE", default="report.html", help="the page (default: report.html)")
    command.add_argument("--pictures", metavar="DIR", help="write PNG files for model cards, too")
    command.add_argument("--json", action="store_true", help="write the report itself to stdout instead of a page")
    add_workspace(command)


def run(arguments: argparse.Namespace) -> int:
    """Write the page; return 0."""
    from pipeline.evaluation.gate import decide, read_report
    from pipeline.evaluation.page.document import document
    from pipeline.evaluation.report import encode
    from pipeline.stage import write_atomically

    settings = settings_of(arguments)
    named = [report_file(Path(name)) for name in arguments.report]
    workspace = workspace_of(arguments, settings)
    first, *others = [read_report(path) for path in named or [report_file(workspace)]]
    if arguments.json:
        sys.stdout.write(encode(first).decode())
        return 0
    page = Path(arguments.to)
    page.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(page, document(first, verdict=decide(first, settings.gate), others=others).encode())
    sys.stdout.write(f"{page}\n")
    for picture in _pictures(first, arguments.pictures):
        sys.stdout.write(f"{picture}\n")
    return 0


def report_file(path: Path) -> Path:
    """Return the report a path means: the file itself, or the one in a run's or a workspace's folder."""
    for candidate in (path, path / "report.json", path / "evaluation" / "report.json"):
        if candidate.is_file():
            return candidate
    raise UsageError(f"There is no evaluation report in {path}.", "Run process_artifacts or `fixsmith evaluate` first.")


def _pictures(report: Any, folder: str | None) -> list[Path]:
    if folder is None:
        return []
    from pipeline.evaluation.pictures import draw

    return draw(report, Path(folder))
