"""What a background service is, and what can be done with it, whatever system runs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Protocol

import msgspec

from config.errors import Error
from config.settings import Settings

LABEL = "dev.fixsmith.service"
EXIT_MARGIN = 30
TOOL_FOLDERS = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")


class ServiceError(Error):
    """The system's service manager refused, or can't be used here."""


class Specification(msgspec.Struct, frozen=True):
    """What is run in the background. `stop_seconds`: how long it may take to checkpoint and end."""

    arguments: tuple[str, ...]
    folder: Path
    logs: Path
    stop_seconds: int

    @property
    def config(self) -> Path | None:
        """The settings file it is started with."""
        if "--config" not in self.arguments:
            return None
        return Path(self.arguments[self.arguments.index("--config") + 1])

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths it names, all of which must exist for it to start."""
        return (Path(self.arguments[0]), self.folder, *([self.config] if self.config else []))


class Condition(msgspec.Struct, frozen=True):
    """How the service stands: installed, loaded, its process, its last exit code, and what is wrong."""

    installed: bool
    loaded: bool = False
    pid: int | None = None
    last_exit: int | None = None
    problems: tuple[str, ...] = ()


class Manager(Protocol):
    """A system's service manager."""

    def install(self, specification: Specification) -> bool:
        """Write the definition if it differs and load it; tell whether anything changed."""
        ...

    def uninstall(self) -> bool:
        """Unload and remove the definition; tell whether there was one."""
        ...

    def start(self) -> None:
        """Start the installed service."""
        ...

    def stop(self) -> None:
        """Stop it; it stays installed and starts again at the next login."""
        ...

    def condition(self) -> Condition:
        """Say how it stands."""
        ...

    def installed(self) -> Specification:
        """Return the service as its definition has it; raises ServiceError when there is none that can be read."""
        ...

    def last_words(self) -> str:
        """Return the end of what it wrote outside its own log, empty when that can't be had."""
        ...


def specification(settings: Settings, config: Path | None, logs: Path) -> Specification:
    """Return the service for these settings: this very Python, absolute paths, no secret."""
    arguments = [sys.executable, "-m", "daemon.cli", "run", "--quiet"]
    if config is not None:
        arguments += ["--config", str(config.absolute())]
    for text in (*arguments, str(Path.home()), str(logs)):
        if any(ord(char) < 32 or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in text):
            raise ServiceError(f"{text!r} can't stand in the service's definition.", "Give it another name.")
    stop_seconds = int(settings.daemon.stop_seconds) + EXIT_MARGIN
    return Specification(tuple(arguments), Path.home(), logs, stop_seconds)


def search_path() -> str:
    """Return a PATH for the service: where git and scanners usually are, and this Python's own folder."""
    folders = [str(Path(sys.executable).parent), str(Path.home() / ".local" / "bin"), *TOOL_FOLDERS]
    return os.pathsep.join(dict.fromkeys(folders))


def stale(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Return a sentence for each path that is no longer there."""
    return tuple(f"{path} is no longer there; run `fixsmith install` again." for path in paths if not path.exists())
