"""Hearing of changes in the drop folder and of the settings from the system; where it can't tell, a timer looks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

logger = logging.getLogger("fixsmith.drop")
QUIET = ("opened", "closed_no_write")


class FolderWatch:
    """Calls `changed` when something happens in the folder, or to the one file elsewhere."""

    def __init__(
        self, folder: Path, changed: Callable[[], None], fallback: float = 30.0, file: Path | None = None
    ) -> None:
        self.folder = folder
        self.files = () if file is None else (file.absolute(), file.resolve())
        """The file by its own name and where links lead: a change of either counts."""
        self._names = {path.name.casefold() for path in self.files}
        self.changed = changed
        self.fallback = fallback
        self._observer: Any = None
        self._watched: tuple[int, int] | None = None
        self._stop = threading.Event()

    @property
    def is_native(self) -> bool:
        """Tell whether the system reports changes."""
        return self._observer is not None

    def start(self) -> None:
        """Begin; when the system's notifications can't be had, fall back to a timer and say so."""
        try:
            self._observer = self._observe()
            self._watched = _identity(self.folder)
        except (ImportError, OSError, RuntimeError) as error:
            logger.info("the system doesn't report changes (%s); looking every %g s", error, self.fallback)
            threading.Thread(target=self._poll, name="drop-timer", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(5.0)

    def refresh(self) -> None:
        """Watch anew where another folder has taken the place of the one that is watched."""
        if self._observer is not None and _identity(self.folder) not in (None, self._watched):
            observer, self._observer = self._observer, None
            observer.stop()
            observer.join(5.0)
            self.start()
            self.changed()

    def dispatch(self, event: Any) -> None:
        """Take an event from the observer: that something changed counts, not what."""
        if event.event_type not in QUIET:
            self.changed()

    def _of_file(self, event: Any) -> None:
        """Take an event from the file's folder; editors write another file and rename it."""
        if {Path(path).name.casefold() for path in (event.src_path, event.dest_path)} & self._names:
            self.dispatch(event)

    def _observe(self) -> Any:
        from watchdog.observers import Observer

        observer = Observer()
        observer.schedule(self, str(self.folder), recursive=True)
        for folder in dict.fromkeys(path.parent for path in self.files):
            observer.schedule(_Handler(self._of_file), str(folder), recursive=False)
        observer.start()
        return observer

    def _poll(self) -> None:
        while not self._stop.wait(self.fallback):
            self.changed()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Handler:
    """What the observer calls."""

    def __init__(self, dispatch: Callable[[Any], None]) -> None:
        self.dispatch = dispatch
