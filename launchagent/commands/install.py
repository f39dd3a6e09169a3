"""`fixsmith install`: run in the background from now on."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

from config.errors import SettingsError
from config.load import load_settings, overriding
from config.location import HELP, settings_file
from config.privacy import endangered, silent, warning
from config.settings import Settings
from launchagent.interface import ServiceError, specification
from launchagent.manager import manager
from launchagent.start import wait_until_up

DESCRIPTION = """\
Run the service in the background from now on and after every login: a LaunchAgent on macOS, a
systemd user unit on Linux. Run it again after moving files or upgrading Python. Tokens are taken
from the keychain or a file, never written into the definition."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("install", description=DESCRIPTION, help="run in the background from now on")
    parser.add_argument("--config", metavar="FILE", help=HELP)


def run(arguments: argparse.Namespace) -> int:
    """Install; say where and what to look at next."""
    config = settings_file(arguments.config)
    settings = load_settings(config, {})  # as the service will read them
    workspace = workspace_of(settings)
    paths = endangered(settings, config)
    for path in paths:
        sys.stderr.write(f"warning: {warning(path)}\n")
    for sentence in only_here(settings):
        sys.stderr.write(f"warning: {sentence}\n")
    if (path_without := silent((workspace, *paths))) is not None:
        raise ServiceError(f"{path_without} doesn't answer.", "Grant access to it, or use another folder.")
    service = manager()
    changed = service.install(specification(settings, config, logs_of(settings, workspace)))
    if service.condition().pid is None:
        service.start()  # installed already, and down
    wait_until_up(service, settings)
    sys.stdout.write(f"{'Installed' if changed else 'Installed already'}; `fixsmith status` shows what it does.\n")
    return 0


def only_here(settings: Settings) -> Iterator[str]:
    """Yield a sentence for all that this terminal has and the service won't. Tokens are found in the room beside."""
    if named := overriding():
        yield f"{', '.join(named)}: only in this terminal; the service goes by the settings file."
    tokens = importlib.import_module("daemon.tokens")
    for github in dict.fromkeys(settings.github.of(one) for one in settings.github.repositories):
        if (variable := tokens.only_here(github)) is not None:
            yield f"the token is only in ${variable}, which the service doesn't have. {tokens.ALONE}"


def workspace_of(settings: Settings) -> Path:
    """Return the workspace; a service has no current folder, so it must be absolute."""
    workspace = Path(settings.fine_tuning.workspace_dir).expanduser()
    if not workspace.is_absolute():
        raise SettingsError(
            f"fine_tuning.workspace_dir is '{workspace}', relative to a folder that a service doesn't have.",
            "Make it absolute, or let `fixsmith init` write the settings.",
        )
    return workspace


def logs_of(settings: Settings, workspace: Path) -> Path:
    """Return where the service's logs lie; launchd doesn't expand `~`."""
    state = Path(settings.daemon.state_dir).expanduser() if settings.daemon.state_dir else workspace / "service"
    return state / "logs"
