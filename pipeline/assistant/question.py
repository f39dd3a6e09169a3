"""The question a specialist is asked about a finding of a run: the very prompt, as in training."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from config.errors import UsageError
from config.settings import Settings
from pipeline.dataset.assemble import read_materials
from pipeline.dataset.examples import Material, analysis
from pipeline.records import FileLocation, Finding, Message
from pipeline.stage import MANIFEST, Manifest, Request

SHORTEST_NAME = 4
_PLACE = re.compile(r"(?P<path>.+):(?P<line>\d+)")
STAGES = ("parse", "locate", "mine", "verify", "retrieve")


class Meant(msgspec.Struct, frozen=True):
    """The finding that is meant, with the folder of its run and the settings in force."""

    settings: Settings
    run: Path
    material: Material


def meant(run: Path, name: str, settings: Settings) -> Meant:
    """Return what a run knows about the finding called `name`; raises as `material_of` does."""
    return Meant(settings, run, material_of(run, name, _characters(run, settings.knowledge.characters)))


def material_of(run: Path, name: str, characters: int) -> Material:
    """Return what a run knows about the finding called `name`: the start of its id, or `PATH:LINE`.

    `characters` is what passages may take of a prompt. Raises UsageError when no finding, or
    more than one, is called so, or the run's stages aren't finished.
    """
    missing = [stage for stage in STAGES if not (run / stage / "manifest.json").is_file()]
    if missing:
        raise UsageError(f"Run {run.name} hasn't finished its stage {missing[0]}.", "Run process_artifacts again.")
    request = request_of(run)
    mined = request.mined if request is not None and request.mined and Path(request.mined).is_dir() else None
    known = read_materials({name: run / name for name in STAGES}, characters, mined)
    found = [one for one in known if _is(one.finding, name)]
    if not found:
        raise UsageError(f"No finding of run {run.name} is called {name}.", "`fixsmith findings` shows their ids.")
    if len(found) > 1:
        ids = ", ".join(one.finding.fingerprint[:12] for one in found[:8])
        raise UsageError(f"{len(found)} findings are called {name}: {ids}.", "Give more of the id.")
    return found[0]


class _Story(msgspec.Struct, frozen=True):
    request: Request


def request_of(run: Path) -> Request | None:
    """Return what a run was asked to do, as its `run.json` has it; None when it never came to its end."""
    try:
        return msgspec.json.decode((run / "run.json").read_bytes(), type=_Story).request
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def question_of(material: Material) -> tuple[Message, ...]:
    """Return the conversation that asks the analysis specialist to explain a finding: that of its example."""
    return analysis(material).messages[:-1]


def _is(finding: Finding, name: str) -> bool:
    if len(name) >= SHORTEST_NAME and finding.fingerprint.startswith(name.lower()):
        return True
    place, location = _PLACE.fullmatch(name), finding.location
    if place is None or not isinstance(location, FileLocation):
        return False
    first = location.start_line or 0
    return location.path == place["path"] and first <= int(place["line"]) <= (location.end_line or first)


def _characters(run: Path, otherwise: int) -> int:
    """Return what passages may take of a prompt: as the run's own data set had it."""
    try:
        manifest = msgspec.json.decode((run / "assemble" / MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return otherwise
    return int(manifest.settings.get("characters", otherwise))
