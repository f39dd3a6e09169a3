"""The models of a workspace: which there are, what they take, which may go.

A model that is a champion, or that is published, is never pruned; nor is the newest run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from config.errors import Error, UsageError
from pipeline import champions
from pipeline.publishing.names import began
from pipeline.publishing.upload import STORY
from pipeline.records import Record
from pipeline.stage import MANIFEST, Manifest, digest_file

ADAPTER, WEIGHTS = "adapters.safetensors", ("publish", "train-analysis", "train-codefix", "train-single")


class Model(Record):
    """A trained specialist: its run, folder, base, size on disk, and what it is kept for.

    `damaged`: its adapter or what its training recorded can't be read.
    """

    run: str
    specialist: str
    folder: str
    began: str
    base: str
    bytes: int
    adapter: str
    champion: bool = False
    published: bool = False
    newest: bool = False
    damaged: bool = False

    @property
    def kept(self) -> bool:
        """Tell whether pruning must leave it alone."""
        return self.champion or self.published or self.newest


def models(workspace: Path) -> list[Model]:
    """Return every trained specialist of a workspace, newest run first."""
    known = set(_champions(workspace))
    latest = (workspace / "latest").resolve()
    found = [
        _model(run, folder, known, latest)
        for run in (workspace / "runs").glob("*")
        for folder in run.glob("train-*/model")
        if (folder / ADAPTER).is_file() and (folder.parent / MANIFEST).is_file()
    ]
    return sorted(found, key=lambda one: (one.began, one.run, one.specialist), reverse=True)


def _model(run: Path, folder: Path, champions: set[str], latest: Path) -> Model:
    base = adapter = ""
    try:
        manifest = msgspec.json.decode((folder.parent / MANIFEST).read_bytes(), type=Manifest)
        base, adapter = str(manifest.counts.get("base_model", "")), digest_file(folder / ADAPTER)
    except (OSError, msgspec.DecodeError):
        adapter = ""
    return Model(
        run=run.name,
        specialist=folder.parent.name.removeprefix("train-"),
        folder=str(folder),
        began=began(run),
        base=base,
        bytes=size(folder),
        adapter=adapter,
        champion=adapter in champions,
        published=(run / STORY).is_file(),
        newest=run == latest,
        damaged=not adapter,
    )


def _champions(workspace: Path) -> Iterable[str]:
    """Yield the adapters' digests of every champion of the workspace, and of those kept there by hand."""
    yield from (one.adapter for one in champions.line(workspace))
    for path in workspace.glob(f"champion*/**/{ADAPTER}"):
        yield digest_file(path)


def size(folder: Path) -> int:
    """Return the bytes of a folder's files; links count nothing."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def find(workspace: Path, name: str) -> Model:
    """Return the model called `RUN/SPECIALIST`, or the newest one of a specialist; raise UsageError without it."""
    for model in models(workspace):
        if name in (f"{model.run}/{model.specialist}", model.specialist):
            if model.damaged:
                raise Error(f"{model.run}/{model.specialist} is damaged: its files can't be read.", "Train again.")
            return model
    raise UsageError(f"There is no model {name} in {workspace}.", "`fixsmith models list` names them.")


def prune(workspace: Path, keep: int, *, really: bool) -> list[Model]:
    """Remove the adapters and releases of all but the newest `keep` runs and those kept anyway; return them."""
    known = models(workspace)
    runs = list(dict.fromkeys(model.run for model in known))
    spared = {*runs[:keep], *(model.run for model in known if model.kept)}
    gone = [model for model in known if model.run not in spared]
    for run in {model.run for model in gone} if really else ():
        for stage in WEIGHTS:
            _remove(workspace / "runs" / run / stage)
    return gone


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Error(f"{folder} can't be removed ({error.strerror}).", "Look at its permissions.") from error
