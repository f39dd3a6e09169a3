"""One start of a remote training, on the worker: claim it, fetch what it needs, train, keep everything in storage.

Ray's workers, ssh and Slurm all come through here. What is written goes to a folder only this start
knows, so that one which was thought dead can't spoil what its successor does; seeing a successor, it stops.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from config.errors import InputRefused
from pipeline.remote import contract, layout
from pipeline.remote.layout import RemoteJob, Start
from pipeline.remote.storage.interface import Entry, Storage, checked

BEAT_SECONDS = 2.0
SPEC = "spec.json"
Train = Callable[[Path, Callable[[], bool]], int]
"""Trains the spec in a file; asks whether to stop; returns the worker's exit code."""


class Superseded(Exception):
    """A newer start of the same training exists."""


def claim(storage: Storage, run: str) -> Start:
    """Return a start that is newer than all there are, and make it known."""
    known = layout.claims([entry.name for entry in storage.entries(layout.control(run))])
    start = Start(known[-1].number + 1 if known else 1, secrets.token_hex(4))
    storage.write(layout.claim_file(run, start), b"")
    return start


def read_job(storage: Storage, run: str) -> RemoteJob:
    """Return what is to be trained; raise InputRefused for what isn't a job."""
    try:
        job = msgspec.json.decode(storage.read(layout.job_file(run)), type=RemoteJob)
    except msgspec.MsgspecError as error:
        raise InputRefused(f"{run}/{layout.JOB} is no job: {error}", "Submit the training again.") from error
    for name in (*(one.path for one in job.inputs), job.spec.work, job.spec.output):
        checked(name)
    return job


def stage(storage: Storage, run: str, start: Start, scratch: Path) -> Path:
    """Lay out everything the training needs below `scratch` and return its spec's path."""
    job = read_job(storage, run)
    scratch.mkdir(parents=True, exist_ok=True)
    for one in job.inputs:
        target = scratch / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(storage, layout.input_file(one.sha256), target, one.sha256)
    spec = msgspec.structs.replace(job.spec, attempt=start.number)
    if job.model:
        spec = msgspec.structs.replace(spec, base=contract.Base(model=str(_model(storage, job.model, scratch))))
    _restore(storage, tuple(filter(None, (run, job.after))), scratch / spec.work)
    path = scratch / SPEC
    path.write_bytes(contract.write_spec(spec))
    return path


def run(
    storage: Storage,
    run_name: str,
    submission: int,
    start: Start,
    spec: Path,
    train: Train,
    also_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Train while a thread keeps the storage up to date; return the worker's exit code.

    Raises Superseded when a newer start took over: then nothing of this one counts.
    """
    keeper = Keeper(storage, run_name, submission, start, contract.read_spec(spec), spec.parent)
    with keeper:
        code = train(spec, lambda: keeper.must_stop() or also_stop())
    keeper.finish(code)
    return code


class Keeper:
    """Copies events and checkpoints into the storage as they appear, and looks out for reasons to stop."""

    def __init__(
        self, storage: Storage, run: str, submission: int, start: Start, spec: contract.Spec, scratch: Path
    ) -> None:
        self._storage, self._run, self._start = storage, run, start
        self._stop_file = layout.stop_file(run, submission)
        self._folder = layout.start_folder(run, start)
        self._work, self._output = scratch / spec.work, scratch / spec.output
        self._kept: set[str] = {path.name for path in (self._work / contract.CHECKPOINTS).glob("step-*")}
        self._said = 0
        self._superseded = self._stopped = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def must_stop(self) -> bool:
        """Tell whether the training shall keep a checkpoint and stop."""
        return self._superseded or self._stopped

    def finish(self, code: int) -> None:
        """Bring over what the last beat missed and, after a training that ended well, its output."""
        self._look()
        if self._superseded:
            raise Superseded
        self._copy()
        if code == contract.DONE:
            files = sorted(path for path in self._output.rglob("*") if path.is_file())
            last = self._output / contract.RESULT
            for path in [*(one for one in files if one != last), last]:
                name = path.relative_to(self._output).as_posix()
                self._storage.put(path, f"{self._folder}/{layout.OUTPUT}/{name}")

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(Exception):  # the storage may be away for a while: the next beat tries again
                self._look()
                if not self._superseded:
                    self._copy()

    def _look(self) -> None:
        names = [entry.name for entry in self._storage.entries(layout.control(self._run))]
        self._superseded = any(other > self._start for other in layout.claims(names))
        self._stopped = self._stop_file in names

    def _copy(self) -> None:
        for folder in sorted((self._work / contract.CHECKPOINTS).glob("step-*")):
            if folder.name not in self._kept and (folder / contract.MANIFEST).is_file():
                self._copy_checkpoint(folder)
        events = self._work / contract.EVENTS
        if events.is_file() and events.stat().st_size > self._said:
            content = events.read_bytes()
            self._storage.write(f"{self._folder}/{layout.EVENTS}", content)
            self._said = len(content)

    def _copy_checkpoint(self, folder: Path) -> None:
        """Copy a checkpoint, its manifest last; one the worker removes meanwhile stays without."""
        try:
            manifest = (folder / contract.MANIFEST).read_bytes()
            for name in msgspec.json.decode(manifest, type=contract.Manifest).files:
                self._storage.put(folder / name, f"{self._checkpoint(folder.name)}/{name}")
        except FileNotFoundError:
            self._kept.add(folder.name)
            return
        self._storage.write(f"{self._checkpoint(folder.name)}/{contract.MANIFEST}", manifest)
        for older in self._own_kept()[:-2]:
            self._storage.delete(self._checkpoint(older))
        self._kept.add(folder.name)

    def _own_kept(self) -> list[str]:
        below = f"{self._folder}/{contract.CHECKPOINTS}/"
        entries = self._storage.entries(below.rstrip("/"))
        return sorted({entry.name.removeprefix(below).partition("/")[0] for entry in entries})

    def _checkpoint(self, name: str) -> str:
        return f"{self._folder}/{contract.CHECKPOINTS}/{name}"


def _model(storage: Storage, name: str, scratch: Path) -> Path:
    """Return the folder of a stored base model, copied unless the storage is a folder here."""
    from pipeline.remote.storage.folder import FolderStorage

    if isinstance(storage, FolderStorage):
        return storage.root / name
    for entry in storage.entries(name):
        target = scratch / entry.name
        target.parent.mkdir(parents=True, exist_ok=True)
        storage.get(entry.name, target)
    return scratch / name


def _restore(storage: Storage, runs: tuple[str, ...], work: Path) -> None:
    """Bring the newest whole checkpoint of any earlier start into the work folder, where there is one."""
    shutil.rmtree(work, ignore_errors=True)
    for folder, files in _checkpoints([entry for run in runs for entry in storage.entries(layout.starts(run))]):
        target = work / contract.CHECKPOINTS / folder.rpartition("/")[2]
        target.mkdir(parents=True)
        if _fetch_checkpoint(storage, folder, files, target):
            return
        shutil.rmtree(target)


def _checkpoints(entries: list[Entry]) -> list[tuple[str, list[str]]]:
    """Return whole checkpoints with their files' names, the most advanced first."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        folder, _, name = entry.name.rpartition("/")
        if f"/{contract.CHECKPOINTS}/step-" in folder:
            found.setdefault(folder, []).append(name)
    whole = [(folder, names) for folder, names in found.items() if contract.MANIFEST in names]
    return sorted(whole, key=lambda one: (one[0].rpartition("/")[2], one[0]), reverse=True)


def _fetch_checkpoint(storage: Storage, folder: str, files: list[str], target: Path) -> bool:
    """Copy a checkpoint and compare its digests; false when it is damaged."""
    from pipeline.remote.errors import Gone

    try:
        for name in files:
            storage.get(f"{folder}/{name}", target / name)
        manifest = msgspec.json.decode((target / contract.MANIFEST).read_bytes(), type=contract.Manifest)
        return all(_sha256(target / name) == digest for name, digest in manifest.files.items())
    except (Gone, msgspec.MsgspecError, OSError):
        return False


def _fetch(storage: Storage, name: str, target: Path, sha256: str) -> None:
    storage.get(name, target)
    if _sha256(target) != sha256:
        raise InputRefused(f"{name} in the storage isn't what was put there.", "Remove it and submit again.")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
