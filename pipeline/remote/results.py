"""What the starts of a run left in the storage: the result, the events, how far it is."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection
from pathlib import Path

import msgspec

from config.errors import InputRefused
from pipeline.remote import contract, layout
from pipeline.remote.errors import Gone
from pipeline.remote.layout import Start
from pipeline.remote.storage.interface import LONGEST_FILE, Storage, checked
from pipeline.training import files

LONGEST_RESULT = 8 * 1024 * 1024
LONGEST_EVENTS = 4 * 1024 * 1024
FETCHED = (contract.ADAPTER, contract.CURVE)
"""Models merged or quantised on the worker stay in the storage until they are asked for."""


def runs(storage: Storage) -> list[str]:
    """Return the runs there are, by name."""
    return [entry.name.partition("/")[2] for entry in storage.entries("runs")]


def seconds(storage: Storage, run: str) -> float:
    """Return how long a run's starts have worked together, from each one's first event to its last."""
    reader, total = Events(storage, run), 0.0
    for start in starts(storage, run):
        if times := [event.time for event in reader.of(start)]:
            total += max(times) - min(times)
    return total


def starts(storage: Storage, run: str) -> list[Start]:
    """Return the run's starts, oldest first."""
    return layout.claims([entry.name for entry in storage.entries(layout.control(run))])


def sent(storage: Storage, run: str) -> int:
    """Return the number of the run's newest submission, 0 when it was never sent off."""
    return max(layout.submissions([entry.name for entry in storage.entries(layout.control(run))]), default=0)


def begun_after(storage: Storage, run: str, submission: int) -> int:
    """Return the number of the newest start before a submission: what came later is that submission's."""
    try:
        said = storage.read(layout.sent_file(run, submission))
    except Gone:
        return 0
    return int(said) if said.isdigit() else 0


def result_of(storage: Storage, run: str) -> Start | None:
    """Return the newest start that came to its end well; None while there is none."""
    ending = f"/{layout.OUTPUT}/{contract.RESULT}"
    names = {entry.name for entry in storage.entries(layout.starts(run))}
    whole = [one for one in starts(storage, run) if layout.start_folder(run, one) + ending in names]
    return whole[-1] if whole else None


def last_event(storage: Storage, run: str) -> contract.Event | None:
    """Return the last event of the newest start that said anything."""
    for start in reversed(starts(storage, run)):
        reader = Events(storage, run)
        if events := reader.of(start):
            return events[-1]
    return None


class Events:
    """Reads the events of a run's starts later than `after`, each once, in order; a broken line waits."""

    def __init__(self, storage: Storage, run: str, after: int = 0) -> None:
        self._storage, self._run, self._after = storage, run, after
        self._read: dict[str, int] = {}

    def new(self) -> list[contract.Event]:
        """Return the events that have come since the last call."""
        return [
            event
            for start in starts(self._storage, self._run)
            if start.number > self._after
            for event in self.of(start)
        ]

    def of(self, start: Start) -> list[contract.Event]:
        """Return the new events of one start."""
        at = self._read.get(start.name, 0)
        name = f"{layout.start_folder(self._run, start)}/{layout.EVENTS}"
        try:
            content = self._storage.read(name, at, LONGEST_EVENTS)
        except Gone:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._read[start.name] = at + len(whole)
        return list(contract.read_events(whole))


def fetch(storage: Storage, run: str, start: Start, target: Path, wanted: Collection[str] = FETCHED) -> contract.Result:
    """Copy a start's result and what is `wanted` of its output into `target`, whole, every digest compared.

    Raises InputRefused for what doesn't
    match the result's digests, or names a file outside `target`.
    """
    folder = f"{layout.start_folder(run, start)}/{layout.OUTPUT}"
    content = storage.read(f"{folder}/{contract.RESULT}", 0, LONGEST_RESULT)
    try:
        result = msgspec.json.decode(content, type=contract.Result)
    except msgspec.MsgspecError as error:
        raise InputRefused(f"The worker's result isn't one: {error}", "Is the worker's version ours?") from error
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    there = {entry.name: entry.size for entry in storage.entries(folder)}
    for name, sha256 in result.files.items():
        if checked(name).partition("/")[0] in wanted:
            _fetch(storage, f"{folder}/{name}", there, temporary / name, sha256)
    files.write(temporary / contract.RESULT, content)
    files.rename_folder(temporary, target)
    return result


def _fetch(storage: Storage, name: str, there: dict[str, int], target: Path, sha256: str) -> None:
    if there.get(name, LONGEST_FILE + 1) > LONGEST_FILE:
        raise InputRefused(f"{name} is missing or too large.", "Start the training again.")
    target.parent.mkdir(parents=True, exist_ok=True)
    storage.get(name, target)
    with target.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
            raise InputRefused(f"{name} isn't what the worker wrote.", "Start the training again.")
