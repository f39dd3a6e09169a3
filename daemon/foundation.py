"""What the service is built on: where these settings change, it begins anew in the same process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from config.errors import Error, SettingsError
from config.privacy import endangered, silent, warning
from config.settings import Settings
from daemon.identity import holder
from daemon.layout import Layout, layout_of

STOPS = (signal.SIGTERM, signal.SIGINT)


class Foundation(msgspec.Struct, frozen=True):
    """The folders, the watched notes (empty: none) and the log's size; all else is followed at once."""

    layout: Layout
    notes: str
    log: tuple[float, int]
    drop_poll_seconds: float


def foundation_of(settings: Settings) -> Foundation:
    """Return what the settings ask to be built on."""
    notes = settings.knowledge.folder if settings.knowledge.enabled else ""
    log = (settings.daemon.log_megabytes, settings.daemon.log_files)
    return Foundation(layout_of(settings), notes, log, settings.daemon.drop_poll_seconds)


def check_folders(settings: Settings, config: Path | None) -> None:
    """Raise SettingsError for changed settings whose folders can't be used, so that the ones before stay in force."""
    path = silent(endangered(settings, config))
    if path is not None:
        raise SettingsError(f"{path} doesn't answer.", warning(path))
    layout = layout_of(settings)
    try:
        layout.make()
    except Error as error:
        raise SettingsError(error.message, error.hint) from error
    held = holder(layout.lock)
    if held is not None and held.pid != os.getpid():
        raise SettingsError(f"Another service works on this workspace ({layout.state}).", "Name another folder.")


def begin_anew(is_told_to_stop: Callable[[], bool]) -> None:
    """Start this process again as it was started, unless a stop was asked for; one that comes now isn't lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # the new process gets it once it listens
    if not is_told_to_stop():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- the very command it was started with


def listen_for_stops(stop: Callable[..., None]) -> None:
    """Take signals before there is anything to interrupt: one sent while the service begins counts, too."""
    for number in STOPS:
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # who sees the lock may send one; the first look comes anyway
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
