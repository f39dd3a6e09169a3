"""`fixsmith dataset`: a data set in other forms, public sets in ours, and a check of what others made."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from config.errors import InputRefused, UsageError
from daemon.arguments import add_config, add_workspace, settings_of, workspace_of

FORMS = ("chat", "completions", "alpaca", "infrastructure", "parquet")
SETS = ("devign", "cvefixes", "crossvul")
SHOWN = 20


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "dataset",
        help="a data set in other forms, and public ones imported",
        description="Write the newest data set in the forms other trainers read, import a published set from files "
        "you have, or check Alpaca files.",
    )
    tasks = command.add_subparsers(dest="task", metavar="TASK", required=True)
    _add_export(tasks)
    _add_import(tasks)
    check = tasks.add_parser("check", help="validate Alpaca files", description="Say what is wrong with Alpaca files.")
    check.add_argument("folder", metavar="DIR", help="a folder with train.json, valid.json, test.json below it")


def _add_export(tasks: Any) -> None:
    export = tasks.add_parser(
        "export",
        help="write a data set in other forms",
        description="Forms: chat (mlx-lm's messages), completions (prompt and completion), alpaca (a set for each "
        "domain), infrastructure (SECURE or INSECURE, for each technology), parquet (for the Hub).",
    )
    export.add_argument("data", nargs="?", metavar="DATASET", help="a data set's folder (default: the newest run's)")
    export.add_argument(
        "--format", choices=FORMS, action="append", help="repeat for several (default: all but parquet)"
    )
    export.add_argument("--to", metavar="DIR", default="export", help="where to write (default: export)")
    add_workspace(export)


def _add_import(tasks: Any) -> None:
    importing = tasks.add_parser(
        "import",
        help="labelled code from a published set",
        description="Read a published set from files you have: Devign as in CodeXGLUE, CVEfixes' database, CrossVul's "
        "folder or zip. Its rows are counted against what its authors published.",
    )
    importing.add_argument("path", metavar="PATH", help="the set's file or folder")
    importing.add_argument("--from", dest="set", choices=SETS, required=True, help="which set it is")
    importing.add_argument("--to", metavar="DIR", required=True, help="where to write")
    importing.add_argument("--partial", action="store_true", help="take files that hold another number of rows")
    add_config(importing)


def run(arguments: argparse.Namespace) -> int:
    """Do the task; return 0. Raises InputRefused for Alpaca files with faults."""
    tasks = {"export": _export, "import": _import, "check": _check}
    tasks[arguments.task](arguments)
    return 0


def _export(arguments: argparse.Namespace) -> None:
    from pipeline.dataset.exports.registry import export

    workspace = workspace_of(arguments)
    source = Path(arguments.data) if arguments.data else workspace / "dataset"
    if (source / "dataset").is_dir():
        source = source / "dataset"
    names = arguments.format or [name for name in FORMS if name != "parquet"]
    target = Path(arguments.to)
    if target.exists() and target.resolve() == source.resolve():
        raise UsageError("--to is the data set itself.", "Name another folder.")
    target.mkdir(parents=True, exist_ok=True)
    for form, files in export(source, target, names).items():
        for name, rows in sorted(files.items()):
            sys.stdout.write(f"{target / form / name}  {rows}\n")


def _import(arguments: argparse.Namespace) -> None:
    from pipeline.dataset.importers.registry import IMPORTERS, import_set

    importer = next(one for one in IMPORTERS if one.name == arguments.set)
    settings = settings_of(arguments).dataset
    told = import_set(importer, Path(arguments.path), Path(arguments.to), settings, partial=arguments.partial)
    counts = ", ".join(f"{part} {rows}" for part, rows in told["counts"].items())
    labels = ", ".join(f"{rows} {label}" for label, rows in told["labels"].items())
    sys.stdout.write(f"{arguments.to}: {counts} ({labels})\n")


def _check(arguments: argparse.Namespace) -> None:
    from pipeline.dataset.exports.alpaca import problems

    found = list(problems(Path(arguments.folder)))
    for problem in found[:SHOWN]:
        sys.stderr.write(f"{problem}\n")
    if found:
        raise InputRefused(f"{len(found)} faults in {arguments.folder}.", "Mend the rows named above.")
    sys.stdout.write(f"{arguments.folder}: nothing wrong\n")
