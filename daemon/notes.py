"""The user's own notes, watched: when they change, the newest scan of each repository is learned from once more."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from config.settings import Settings
from daemon.clock import Clock
from daemon.errors import on_disk
from daemon.store.records import NewRun, Run, RunState
from daemon.store.store import Store
from pipeline.knowledge.folder import note_files

FACT = "notes"
FINISHED = (RunState.DONE, RunState.NOT_BETTER)


class Notes:
    """Looks at `knowledge.folder`. Only names, sizes and times are read; the run reads the notes themselves."""

    def __init__(self, store: Store, clock: Clock, downloads: Path) -> None:
        self.store = store
        self.clock = clock
        self.downloads = downloads
        self._seen: tuple[str, float] | None = None

    def step(self, settings: Settings) -> float | None:
        """Queue runs once changed notes have settled; return the seconds to the next look, None without a folder."""
        if not settings.knowledge.folder or not settings.knowledge.enabled:
            return None
        state, now = _state(Path(settings.knowledge.folder).expanduser()), self.clock.now()
        tick = self.clock.monotonic()
        known = self.store.fact(FACT, str)
        if known is None:
            self.store.note(FACT, state, now)
        elif state != known:
            if self._seen is None or self._seen[0] != state:
                self._seen = (state, tick)
            settle = settings.daemon.drop_settle_seconds
            if tick - self._seen[1] < settle:
                return settle
            for run in self._newest():
                self._again(run, state, now)
            self.store.note(FACT, state, now)
        return float(settings.github.poll_seconds)

    def _newest(self) -> list[Run]:
        """Return the newest finished run of each repository and branch that still has its artifacts."""
        found: dict[tuple[str | None, str | None], Run] = {}
        for run in self.store.queue.in_state(*FINISHED):
            if (run.repository, run.branch) not in found and Path(run.folder).is_dir():
                found[run.repository, run.branch] = run
        return list(found.values())

    def _again(self, run: Run, state: str, now: float) -> None:
        """Queue the run's artifacts once more, in a folder of their own (links: no byte is copied)."""
        folder = self.downloads / f"notes-{state[:12]}-{run.id}"
        if not folder.exists():
            temporary = folder.with_name(f"{folder.name}.tmp")
            shutil.rmtree(temporary, ignore_errors=True)
            with on_disk("The artifacts can't be taken once more for changed notes"):
                shutil.copytree(run.folder, temporary, copy_function=_link)
                temporary.rename(folder)
        again = NewRun(
            key=f"notes:{state[:12]}:{run.id}",
            origin=f"changed notes, {run.origin}",
            repository=run.repository,
            branch=run.branch,
            commit_sha=run.commit_sha,
            folder=str(folder),
            ordinal=run.ordinal,
        )
        self.store.queue.add(again, now)


def _link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where the file system can't (exFAT, some network disks)."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _state(folder: Path) -> str:
    """Return what tells one state of the notes from another: a SHA-256 over names, sizes and times."""
    total = hashlib.sha256()
    for name, path in note_files(folder):
        try:
            seen = path.stat()
        except OSError:
            continue
        total.update(f"{name}\0{seen.st_size}\0{seen.st_mtime_ns}\0".encode())
    return total.hexdigest()
