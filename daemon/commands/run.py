"""`fixsmith run`: watch and work until told to stop."""

from __future__ import annotations

import argparse
import logging

from config.errors import SettingsError
from daemon.service import Service
from daemon.settings_file import add_config, config_path

DESCRIPTION = """\
Watch GitHub and the drop folder, and work through the queue, until Ctrl-C or SIGTERM: the run at
work is then stopped at its next checkpoint and goes on at the next start. `fixsmith install` runs
this in the background."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("run", description=DESCRIPTION, help="watch and work in the foreground")
    add_config(parser)
    parser.add_argument("--quiet", action="store_true", help="log to the file only")
    parser.add_argument(
        "--stay-down",
        action="store_true",
        help="end with 0 on bad settings, for launchd, which starts again what ends with anything else",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the service; return its exit code."""
    try:
        service = Service(config_path(arguments), echo=not arguments.quiet)
    except SettingsError as error:
        if not arguments.stay_down:
            raise
        _tell(error)
        return 0
    return service.run()


def _tell(error: SettingsError) -> None:
    from daemon.notify import display

    logging.getLogger("fixsmith").error("%s", error)
    display("fixsmith isn't running: its settings are wrong", str(error))
