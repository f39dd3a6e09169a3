"""A release of what was trained apart from any run: adapters with card and lineage, in repositories of their own.

Their names hold the training's own, so that they never take the place of what a gate let through.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from config.settings import Settings
from pipeline.publishing import guards
from pipeline.publishing.cards import About, apart_card
from pipeline.publishing.forms import peft
from pipeline.publishing.interface import Part, Release
from pipeline.publishing.lineage import encode, record
from pipeline.publishing.names import check_prefix
from pipeline.publishing.publish import RESULTS, bind
from pipeline.publishing.upload import NotReviewed
from pipeline.records import Record
from pipeline.stage import digest_file, digest_of, write_atomically

ADAPTER, WHOLE = "adapters.safetensors", "single"
LEFT_OUT = ("result.json", "peft")


class Trained(Record):
    """One adapter that was trained: `part` is `analysis`, `codefix` or `single`; its folder and its data's files."""

    part: str
    folder: str
    data: tuple[str, ...]
    seconds: float
    counts: Mapping[str, float | int | None]


def lay_out(name: str, trained: tuple[Trained, ...], settings: Settings, base: str, release: Path) -> Release:
    """Fill the folder `release` anew with a part for each adapter, and return what is to be published."""
    check(name, settings)
    shutil.rmtree(release, ignore_errors=True)
    whole = _whole(name, settings)
    repositories = {one.part: whole if one.part == WHOLE else f"{whole}-{one.part}" for one in trained}
    for one in trained:
        _part(one, release / one.part, repositories[one.part], settings, base)
    weights = {one.part: digest_file(Path(one.folder) / ADAPTER) for one in trained}
    run = digest_of(weights)[:12]
    parts = tuple(weights)
    bind(record(settings, run, release, parts, _stages(trained, weights)), release, settings)
    newest = max((Path(one.folder) / ADAPTER).stat().st_mtime for one in trained)
    return Release(
        run=run,
        began=datetime.fromtimestamp(newest, UTC).replace(microsecond=0).isoformat(),
        parts=tuple(
            Part(repository=repositories[part], kind="model", folder=str(release / part)) for part in repositories
        ),
    )


def check(name: str, settings: Settings) -> None:
    """Raise before anything is trained: without a name, or where the settings would make it public."""
    check_prefix(settings)
    whole = _whole(name, settings)
    if public := [one for one in settings.publish.public if one == whole or one.startswith(f"{whole}-")]:
        raise NotReviewed(f"{public[0]} is public, and nothing measures this model.", "Choose another --output-name.")


def _whole(name: str, settings: Settings) -> str:
    return f"{settings.fine_tuning.hf_repo_prefix}-{name}"


def _part(one: Trained, target: Path, repository: str, settings: Settings, base: str) -> None:
    shutil.copytree(one.folder, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    peft(Path(one.folder), target / "peft", base)
    about = About(
        name=repository.split("/", 1)[1],
        specialist=one.part,
        base_model=base,
        licence=guards.base_licence(msgspec.structs.replace(settings, fine_tuning=_on(settings, base))),
        repository=repository,
        data=None,
        counts=one.counts,
        seconds=one.seconds,
        forms=("peft",),
    )
    write_atomically(target / "README.md", apart_card(about).encode())
    write_atomically(target / RESULTS, encode({"rows": []}))


def _on(settings: Settings, base: str) -> object:
    return msgspec.structs.replace(settings.fine_tuning, base_model_name=base)


def _stages(trained: tuple[Trained, ...], weights: Mapping[str, str]) -> dict[str, object]:
    """Return the lineage from the data set's files to each adapter, in the form of a run's stages."""
    data = {f"{one.part}/{Path(path).name}": digest_file(Path(path)) for one in trained for path in one.data}
    inputs = {"data": digest_of(dict(sorted(data.items())))}
    return {
        "data": {"inputs": {}, "outputs": data},
        **{
            f"train-{part}": {"inputs": inputs, "outputs": {f"model/{ADAPTER}": digest}}
            for part, digest in weights.items()
        },
    }
