"""`fixsmith doctor`: what is missing on this machine, and what to do about it."""

from __future__ import annotations

import argparse
import sys

import msgspec

from config.load import load_settings
from daemon.arguments import add_config, config_path
from daemon.doctor import machine, watching
from daemon.doctor.interface import Check, Circumstances, Finding, Level
from daemon.doctor.scanners import scanners

DESCRIPTION = "Check everything fixsmith depends on, and say what to do. Exit code 1 when something must be done."
FIRST: tuple[Check, ...] = (watching.settings, watching.privacy)
"""Where these fail, the others could hang."""
CHECKS: tuple[Check, ...] = (
    machine.python,
    machine.storage,
    machine.memory,
    machine.model,
    machine.tools,
    scanners,
    machine.conditions,
    watching.github,
    watching.store,
    watching.background,
)
COLOURS = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.FAILURE: "red bold"}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("doctor", description=DESCRIPTION, help="check everything it depends on")
    add_config(parser)
    parser.add_argument("--offline", action="store_true", help="don't ask GitHub")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Check everything; 1 when something must be done."""
    config = config_path(arguments)
    circumstances = Circumstances(load_settings(config), config, not arguments.offline)
    found = [finding for check in FIRST for finding in check(circumstances)]
    if not _fails(found):
        found += [finding for check in CHECKS for finding in check(circumstances)]
    if arguments.json:
        sys.stdout.writelines(msgspec.json.encode(finding).decode() + "\n" for finding in found)
    else:
        _print(found)
    return 1 if _fails(found) else 0


def _fails(found: list[Finding]) -> bool:
    return any(finding.level == Level.FAILURE for finding in found)


def _print(found: list[Finding]) -> None:
    from rich.table import Table

    from pipeline.output import Output

    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    for finding in found:
        colour = COLOURS[finding.level]
        table.add_row(f"[{colour}]{finding.level}[/]", finding.what, finding.detail, finding.advice)
    failures = sum(finding.level == Level.FAILURE for finding in found)
    console = Output(highlight=False)
    console.print(table)
    console.print(f"{failures} to be mended first." if failures else "Nothing stands in the way.")
