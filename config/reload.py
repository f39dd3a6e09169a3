"""Settings that follow their file: read again when it changes, kept when the change is wrong."""

from __future__ import annotations

from pathlib import Path

from config.errors import SettingsError
from config.load import load_settings
from config.settings import Settings

Stamp = tuple[int, int, int] | None


class LiveSettings:
    """The settings in force. `current` costs one `stat` while the file doesn't change.

    `problem` is the error of the newest change when that was refused, else None.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.problem: SettingsError | None = None
        self._stamp = _stamp(path)
        self._settings = load_settings(path)

    def current(self) -> Settings:
        """Return the newest valid settings."""
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._read_again()
        return self._settings

    def _read_again(self) -> None:
        try:
            self._settings = load_settings(self.path)
            self.problem = None
        except SettingsError as error:
            self.problem = error


def _stamp(path: Path | None) -> Stamp:
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)
