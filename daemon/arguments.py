"""What many commands are told alike: which settings, which workspace, which run, and in what form to answer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import UsageError
from config.location import HELP, settings_file

if TYPE_CHECKING:
    from config.settings import Settings

DIGITS = 18


def add_config(parser: Any) -> None:
    """Add `--config`."""
    parser.add_argument("--config", metavar="FILE", help=HELP)


def add_workspace(parser: Any) -> None:
    """Add `--output-dir` and `--config`, which name the workspace."""
    parser.add_argument(
        "--output-dir", metavar="DIR", help="workspace (default: fine_tuning.workspace_dir of the settings)"
    )
    add_config(parser)


def add_run(parser: Any) -> None:
    """Add `--run`, and what names the workspace it is in."""
    parser.add_argument("--run", metavar="ID", help="the run's id, or its start (default: the newest)")
    add_workspace(parser)


def add_json(parser: Any) -> None:
    """Add `--json` of a command that answers line by line."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def run_number(text: str) -> int:
    """Return the number of a run of the service; raises ArgumentTypeError for anything else."""
    if not text.isdecimal() or len(text) > DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a run's number; `fixsmith status` shows them")
    return int(text)


def config_path(arguments: argparse.Namespace) -> Path | None:
    """Return the settings file asked for, None for the defaults."""
    return settings_file(arguments.config)


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings asked for; raises SettingsError when they are wrong."""
    from config.load import load_settings

    return load_settings(config_path(arguments))


def workspace_of(arguments: argparse.Namespace, settings: Settings | None = None) -> Path:
    """Return the workspace asked for, absolute; reads the settings where neither they nor a folder are given."""
    if arguments.output_dir:
        return Path(arguments.output_dir).expanduser().absolute()
    return Path((settings or settings_of(arguments)).fine_tuning.workspace_dir).expanduser().absolute()


def run_of(workspace: Path, name: str | None) -> Path:
    """Return the folder of the run whose id begins with `name` (None: the newest finished one).

    Raises UsageError when there is none, or more than one.
    """
    if name is None:
        folder = workspace / "latest"
        if not folder.is_dir():
            raise UsageError(
                f"There is no finished run in {workspace}.",
                "Run process_artifacts first, or name another --output-dir.",
            )
        return folder.resolve()
    if not name.isalnum():
        raise UsageError(f"{name!r} isn't a run's id.", "An id is made of letters and digits.")
    found = sorted(path for path in (workspace / "runs").glob(f"{name}*") if path.is_dir())
    if len(found) > 1:
        raise UsageError(f"{name} could be {', '.join(path.name for path in found)}.", "Give more of the id.")
    if not found:
        raise UsageError(f"There is no run {name} in {workspace}.", "`fixsmith status` lists the runs.")
    return found[0]
