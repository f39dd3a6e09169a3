"""Settings that follow their file: read again when it changes, kept when the change is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from config.errors import SettingsError
from config.load import load_settings
from config.settings import Settings

Stamp = tuple[int, ...]
"""What tells one state of a file from another: its number, size and times; empty when it isn't there."""
MOMENT = 0.1
"""Seconds after which a wrong change is read once more: somebody may have been in the middle of writing it."""
COARSE = 2.0
"""Seconds in which a file may change again without another time of change: file systems keep whole or even seconds."""


class LiveSettings:
    """The settings in force, for any number of threads. `current` costs one `stat` while the file doesn't change.

    `problem` is the error of the newest change when that was refused, else None: it is there for every thread as soon
    as `current` has returned to one of them. `check` may refuse a change, too, by raising SettingsError.
    """

    def __init__(self, path: Path | None, check: Callable[[Settings], None] | None = None) -> None:
        self.path = path
        self.problem: SettingsError | None = None
        self._check = check
        self._lock = threading.Lock()
        self._stamp = _settled(_stamp(path))
        self._settings = load_settings(path)

    def current(self) -> Settings:
        """Return the newest valid settings; while another thread reads them, wait for it."""
        with self._lock:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._stamp = _settled(stamp)
                self._read_again()
            return self._settings

    def _read_again(self) -> None:
        for last in (False, True):
            try:
                self._settings = self._read()
                self.problem = None
                return
            except SettingsError as error:
                if last:
                    self.problem = error
                else:
                    time.sleep(MOMENT)

    def _read(self) -> Settings:
        found = load_settings(self.path)
        if _stamp(self.path)[1:2] == (0,):
            raise SettingsError(f"{self.path} is empty.", "Write settings into it; those before are still in force.")
        if self._check is not None:
            self._check(found)
        return found


def _settled(stamp: Stamp) -> Stamp | None:
    """Return the stamp if a later change of the file would show in it, else None, which equals no stamp."""
    return None if stamp and 0 <= time.time() - stamp[2] / 1e9 < COARSE else stamp


def _stamp(path: Path | None) -> Stamp:
    if path is None:
        return ()
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
