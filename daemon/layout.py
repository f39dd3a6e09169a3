"""Where the service keeps its files, from the settings."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from config.errors import Error
from config.settings import Settings

ADVICE = "Change its owner, or name another folder in the settings (fine_tuning.workspace_dir, section daemon)."


class Layout(msgspec.Struct, frozen=True):
    """The service's paths: `workspace` is the flow's, `state` the service's own."""

    workspace: Path
    state: Path
    drop: Path

    @property
    def database(self) -> Path:
        """The store."""
        return self.state / "state.db"

    @property
    def backups(self) -> Path:
        """Copies of the store."""
        return self.state / "backups"

    @property
    def lock(self) -> Path:
        """Held by the one service of this workspace."""
        return self.state / "service.lock"

    @property
    def downloads(self) -> Path:
        """Artifacts, a folder for each run."""
        return self.state / "downloads"

    @property
    def mirrors(self) -> Path:
        """Clones of the watched repositories."""
        return self.state / "mirrors"

    @property
    def logs(self) -> Path:
        """The service's log, and one for each run."""
        return self.state / "logs"

    @property
    def service_log(self) -> Path:
        """The service's own log."""
        return self.logs / "service.log"

    def run_log(self, run_id: int) -> Path:
        """Return the log of a run's child process."""
        return self.logs / f"run-{run_id}.log"

    def make(self) -> None:
        """Make the folders, readable by their owner alone; raises Error for one that can't be made or written."""
        for folder in (self.workspace, self.state, self.backups, self.downloads, self.logs, self.drop):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise Error(f"The folder {folder} can't be made: {error.strerror}.", ADVICE) from error
            if (found := obstacle(folder)) is not None:
                raise Error(found, ADVICE)


def layout_of(settings: Settings) -> Layout:
    """Return the paths that the settings ask for, absolute."""
    workspace = _absolute(settings.fine_tuning.workspace_dir)
    return Layout(
        workspace=workspace,
        state=_absolute(settings.daemon.state_dir) if settings.daemon.state_dir else workspace / "service",
        drop=_absolute(settings.daemon.drop_folder) if settings.daemon.drop_folder else workspace / "drop",
    )


def obstacle(folder: Path) -> str | None:
    """Return what keeps a folder from being made or written, None when nothing does; touches nothing."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return None
    return f"{there} can't be written." if there.is_dir() else f"{there} isn't a folder."


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()
