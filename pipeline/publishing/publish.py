"""The stage that lays out a release: the models the gate let through, data set, cards and lineage, a folder each.

Without the Hub the release folder is the publication: the very same files on this disk.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.evaluation.verdict import read_verdict
from pipeline.publishing import guards, names
from pipeline.publishing.cards import About, data_card, model_card
from pipeline.publishing.data import lay_out
from pipeline.publishing.lineage import BOM, LINEAGE, bill, encode, lineage, without_places
from pipeline.publishing.names import PREFIX
from pipeline.publishing.signing import sign
from pipeline.stage import MANIFEST, Context, Manifest, Request, restrict, write_atomically

RESULTS = "results.json"


class Publish:
    """Stage `publish`: `release/{analysis,codefix}` (or `single`), `release/dataset`, each one complete by itself.

    Nothing is laid out when the gate let nothing through.
    """

    name = "publish"

    def __init__(self, *, single: bool = False) -> None:
        self.models = (
            {"single": "train-single"} if single else {"analysis": "train-analysis", "codefix": "train-codefix"}
        )
        self.needs: tuple[str, ...] = ("assemble", *self.models.values(), "evaluate", "gate")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the release's names and forms; all settings of the run, since the lineage records them."""
        publish = settings.publish
        chosen = [publish.include_code, publish.base_licence, publish.source_licence, publish.forms, publish.naming]
        return {
            "settings": settings.of_a_run(),
            "request": request.identity(),
            "publish": [*chosen, publish.signing_key, settings.fine_tuning.hf_repo_prefix],
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Lay out what the gate let through, write the cards from the measured report, record and sign the lineage."""
        passed = read_verdict(context.inputs["gate"]).passed
        if not passed:
            return {"models": 0, "names": []}
        release = context.folder / "release"
        report = msgspec.json.decode((context.inputs["evaluate"] / "evaluation" / "report.json").read_bytes())
        _release_data(context, release / "dataset")
        names = []
        for specialist, stage in self.models.items():
            if specialist in passed:
                source = context.inputs[stage] / "model"
                about = _release_model(context, source, release / specialist, specialist)
                _describe(release / specialist, about, report)
                names.append(about.name)
        _bind(context, release)
        return {"models": len(names), "names": names, PREFIX: context.settings.fine_tuning.hf_repo_prefix}


def _release_data(context: Context, target: Path) -> None:
    publish = context.settings.publish
    counts = lay_out(context.inputs["assemble"] / "dataset", target, code=publish.include_code)
    information = msgspec.json.decode((target / "dataset_info.json").read_bytes())
    card = data_card(
        information, counts, licence=publish.source_licence.lower(), repository=_repository(context, "dataset"),
        code=publish.include_code,
    )  # fmt: skip
    write_atomically(target / "README.md", card.encode())


def _release_model(context: Context, source: Path, target: Path, specialist: str) -> About:
    """Copy an adapter, in the forms that are asked for, and return what its card says of it."""
    settings = context.settings
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("peft"))
    base = settings.fine_tuning.base_model_name
    forms = [form for form in settings.publish.forms if _make(form, source, target, base, context)]
    manifest = msgspec.json.decode((source.parent / MANIFEST).read_bytes(), type=Manifest)
    return About(
        name=f"{settings.fine_tuning.output_model_prefix}-{specialist}",
        specialist=specialist,
        base_model=base,
        licence=guards.base_licence(settings),
        repository=_repository(context, specialist),
        data=_repository(context, "dataset"),
        counts=manifest.counts,
        seconds=manifest.seconds,
        forms=tuple(forms),
    )


def _make(form: str, source: Path, target: Path, base: str, context: Context) -> bool:
    """Make another form of an adapter; where it can't be, say so and go on without."""
    from config.errors import Error
    from pipeline.publishing.forms import MAKERS

    try:
        MAKERS[form](source, target / form, base)
    except Error as error:
        context.warn(f"The form {form} was left out: {error}")
        return False
    return True


def _describe(target: Path, about: About, report: Any) -> None:
    write_atomically(target / "README.md", model_card(about, report).encode())
    kept = {name: report.get(name) for name in ("rows", "metrics", "counts", "binding", "held_out")}
    write_atomically(target / RESULTS, encode(without_places(kept)))


def _bind(context: Context, release: Path) -> None:
    parts = tuple(part for part in names.PARTS if (release / part).is_dir())
    bind(lineage(context, release, parts), release, context.settings)


def bind(record: dict[str, Any], release: Path, settings: Settings) -> None:
    """Write lineage and bill into every part and sign it, last: they cover all that was written before."""
    write_atomically(release / LINEAGE, encode(record))
    for part in record["parts"]:
        story = encode(record | {"part": part})
        write_atomically(release / part / LINEAGE, story)
        write_atomically(
            release / part / BOM, encode(bill(msgspec.json.decode(story), hashlib.sha256(story).hexdigest()))
        )
        if settings.publish.signing_key:
            sign(release / part, Path(settings.publish.signing_key).expanduser())
    restrict(release)


def _repository(context: Context, part: str) -> str | None:
    """Return what a part's repository will be called; None where nothing is uploaded."""
    if not context.settings.fine_tuning.hf_repo_prefix:
        return None
    return names.repository(context.settings, part, names.began(context.inputs["assemble"].parent))
