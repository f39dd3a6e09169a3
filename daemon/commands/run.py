"""`fixsmith run`: watch and work until told to stop."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from config.errors import Error, SettingsError
from config.load import load_settings
from config.privacy import endangered, silent, warning
from daemon.arguments import add_config, config_path
from daemon.errors import NoAccess, StoreTooNew
from daemon.service import Service

PRIVACY_SECONDS = 60.0
"""How long a person has to answer the question that macOS may ask."""
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
    config = config_path(arguments)
    try:
        _check_folders(config)
        service = Service(config, echo=not arguments.quiet)
    except (SettingsError, NoAccess, StoreTooNew) as error:
        if not arguments.stay_down:
            raise
        _tell(error)
        return 0
    return service.run()


def _check_folders(config: Path | None) -> None:
    """Give up on a protected folder that doesn't answer: touching it could hang this process for ever."""
    path = silent(endangered(load_settings(config), config), PRIVACY_SECONDS)
    if path is not None:
        raise NoAccess(f"{path} doesn't answer.", f"{warning(path)} Then run `fixsmith start`.")


def _tell(error: Error) -> None:
    from daemon.notify import display

    logging.getLogger("fixsmith").error("%s", error)
    display("fixsmith isn't running", str(error))
