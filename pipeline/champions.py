"""The champions of a workspace: the adapters that passed the gate, newest last, kept as they were published.

`champions/champions.jsonl` is the line of succession, `champions/<run>/<specialist>/` each one's adapter.
Who is to be beaten is decided for every evaluation anew, and no run is ever its own opponent: a
repeat of the run that made the champion meets the one before, and stays up to date.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from config.errors import UsageError
from pipeline.records import Record
from pipeline.stage import RunFolder, digest_file, read_records, restrict, synchronise, write_atomically

FOLDER, LINE, ABOUT, LINK = "champions", "champions.jsonl", "champion.json", "champion"
ADAPTER = "adapters.safetensors"
ROLES = ("analysis", "codefix")


class Champion(Record):
    """One that passed the gate: the run that trained it, on which base model, and its adapter's SHA-256."""

    run: str
    specialist: str
    base: str
    base_digest: str
    adapter: str


def line(workspace: Path) -> list[Champion]:
    """Return the line of succession, oldest first."""
    path = workspace / FOLDER / LINE
    return list(read_records(path, Champion)) if path.is_file() else []


def opponents(workspace: Path, run: str = "") -> dict[str, str]:
    """Return whom `run` must beat: specialist → adapter's folder; empty while there is no champion.

    A single-stage model holds both roles; a newer specialist takes one of them over.
    """
    others = [one for one in line(workspace) if one.run != run]
    holders = [next((one for one in reversed(others) if one.specialist in (role, "single")), None) for role in ROLES]
    return {one.specialist: str(folder(workspace, one)) for one in holders if one is not None}


def folder(workspace: Path, champion: Champion) -> Path:
    """Return where a champion's adapter lies."""
    return workspace / FOLDER / champion.run / champion.specialist


def about(adapter: Path) -> Champion | None:
    """Return what is known of the champion in an adapter's folder; None for any other adapter, or a damaged one."""
    try:
        return msgspec.json.decode((adapter / ABOUT).read_bytes(), type=Champion)
    except (OSError, msgspec.DecodeError):
        return None


def promote(workspace: Path, run: RunFolder, specialists: Iterable[str]) -> tuple[str, ...]:
    """Make a run's specialists champions; return those that weren't before. Killed anywhere, call it again."""
    made = [one for specialist in specialists if (one := _promoted(workspace, run, specialist)) is not None]
    known = line(workspace)
    new = [one for one in made if one not in known]
    if new:
        lines = [msgspec.json.encode(one, order="sorted") + b"\n" for one in (*known, *new)]
        write_atomically(workspace / FOLDER / LINE, b"".join(lines))
    _point(workspace)
    return tuple(one.specialist for one in new)


def _promoted(workspace: Path, run: RunFolder, specialist: str) -> Champion | None:
    """Copy an adapter to the champions' place, whole or not at all."""
    stage = f"train-{specialist}"
    source, manifest = run.folder(stage) / "model", run.manifest(stage)
    if manifest is None or not (source / ADAPTER).is_file():
        return None
    champion = Champion(
        run=run.path.name,
        specialist=specialist,
        base=str(manifest.counts["base_model"]),
        base_digest=str(manifest.counts["base_digest"]),
        adapter=digest_file(source / ADAPTER),
    )
    target = folder(workspace, champion)
    if target.is_dir() and about(target) == champion:
        return champion
    temporary = target.with_name(f"{specialist}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(source, temporary)
    write_atomically(temporary / ABOUT, msgspec.json.format(msgspec.json.encode(champion)) + b"\n")
    restrict(temporary)
    for path in temporary.rglob("*"):
        synchronise(path)
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)
    return champion


def roll_back(workspace: Path, specialist: str) -> Champion:
    """Make the champion before the newest of a kind the champion again; raise UsageError when there is none.

    It is written as a new entry at the end of the line: what happened stays readable.
    """
    known = line(workspace)
    ours = [one for one in known if one.specialist == specialist]
    earlier = next((one for one in reversed(ours) if one != ours[-1]), None)
    if earlier is None or not (folder(workspace, earlier) / ADAPTER).is_file():
        raise UsageError(f"There is no earlier {specialist} champion.", "`fixsmith models list` shows what there is.")
    lines = [msgspec.json.encode(one, order="sorted") + b"\n" for one in (*known, earlier)]
    write_atomically(workspace / FOLDER / LINE, b"".join(lines))
    _point(workspace)
    return earlier


def _point(workspace: Path) -> None:
    """Link `champion/<specialist>` to the newest of each kind, for a person and for `gate.champion`."""
    for one in line(workspace):
        link = workspace / LINK / one.specialist
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary = link.with_name(f".{one.specialist}.tmp")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path("..") / FOLDER / one.run / one.specialist)
        temporary.replace(link)
