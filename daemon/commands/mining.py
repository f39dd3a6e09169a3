"""`fixsmith findings mine`: fixes from a repository's past commits, scanned here, without any CI."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from config.errors import UsageError
from daemon.arguments import add_workspace, settings_of, workspace_of


def add(tasks: Any) -> None:
    """Describe the task."""
    mine = tasks.add_parser(
        "mine",
        help="mine past commits for fixes",
        description="Scan what each past commit changed, before and after, with the scanners installed here. Where a "
        "finding is gone, its change is cut to the smallest one that verifies. Nothing is checked out or run; "
        "`process_artifacts --mined DIR` learns from the result.",
    )
    mine.add_argument(
        "--since", metavar="WHEN", required=True, help="a date (2024-01-31, '6 months ago'), commit or tag"
    )
    mine.add_argument("--until", metavar="COMMIT", default="HEAD", help="the newest commit (default: HEAD)")
    mine.add_argument("--source", metavar="DIR", default=".", help="the git repository (default: this folder)")
    mine.add_argument(
        "--scanner", metavar="NAME", action="append", default=[], help="only these (default: all installed)"
    )
    mine.add_argument("--most", metavar="N", type=int, default=500, help="at most so many commits (default: 500)")
    mine.add_argument("--to", metavar="DIR", help="where to write (default: `mined` in the workspace)")
    add_workspace(mine)


def run(arguments: argparse.Namespace) -> int:
    """Mine and write the folder; return 0."""
    from pipeline.fixes.past.commits import steps
    from pipeline.fixes.past.folder import write
    from pipeline.fixes.past.mining import Past
    from pipeline.fixes.past.scans import Scans, scanners
    from pipeline.verification.scanning import rules_in

    if arguments.most < 1:
        raise UsageError("--most must be at least 1.", "Leave it out for 500.")
    settings = settings_of(arguments)
    workspace = workspace_of(arguments, settings)
    workspace.mkdir(parents=True, exist_ok=True)
    repository = Path(arguments.source).expanduser().resolve()
    found = steps(repository, arguments.since, arguments.until, arguments.most)
    own_rules = rules_in([repository])
    chosen = scanners(settings.verification, own_rules, arguments.scanner)
    past = Past(repository, settings, workspace, Scans(settings.verification, chosen), own_rules, _say)
    mined = past.mine(found)
    target = Path(arguments.to).expanduser() if arguments.to else workspace / "mined"
    write(target, mined, {
        "newest": found[0].commit if found else None,
        "oldest": found[-1].commit if found else None,
        "scanners": {runner.name: setup.version for runner, setup in chosen},
    })  # fmt: skip
    for name, number in mined.counts.items():
        sys.stdout.write(f"{number:6} {name}\n")
    for reason, number in sorted((mined.refused + mined.unverified).items(), key=lambda item: (-item[1], item[0])):
        sys.stdout.write(f"{number:6}   not: {reason}\n")
    sys.stdout.write(f"{target}\n")
    return 0


def _say(message: str, done: int, total: int) -> None:
    sys.stderr.write(f"{message} {done} of {total}\n")
