"""The stage that lays out a release: the models the gate let through, data set, cards and lineage.

Without the Hub the release folder is the publication: the very same files on this disk.
"""

from __future__ import annotations

import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.evaluation.verdict import read_verdict
from pipeline.publishing.cards import data_card, model_card
from pipeline.stage import Context, Request, digest_folder, write_atomically

LIBRARIES = ("fixsmith", "mlx", "mlx-lm", "transformers", "msgspec", "numpy")


class Publish:
    """Stage `publish`: `release/{analysis,codefix}` (or `single`), `release/dataset`, `release/exp_config.json`.

    Nothing is laid out when the gate let nothing through.
    """

    name = "publish"

    def __init__(self, *, single: bool = False) -> None:
        self.models = (
            {"single": "train-single"} if single else {"analysis": "train-analysis", "codefix": "train-codefix"}
        )
        self.needs: tuple[str, ...] = ("assemble", *self.models.values(), "evaluate", "gate")

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the release's names; all settings, since the lineage records them."""
        return {"settings": settings.of_a_run(), "request": request.identity()}

    def run(self, context: Context) -> dict[str, Any]:
        """Copy what the gate let through, write the cards from the measured report, record the lineage."""
        passed = read_verdict(context.inputs["gate"]).passed
        if not passed:
            return {"models": 0, "names": []}
        release = context.folder / "release"
        report = msgspec.json.decode((context.inputs["evaluate"] / "evaluation" / "report.json").read_bytes())
        shutil.copytree(context.inputs["assemble"] / "dataset", release / "dataset")
        information = msgspec.json.decode((release / "dataset" / "dataset_info.json").read_bytes())
        write_atomically(release / "dataset" / "README.md", data_card(information).encode())
        names = []
        for specialist, stage in self.models.items():
            if specialist in passed:
                name = f"{context.settings.fine_tuning.output_model_prefix}-{specialist}"
                _release_model(context.inputs[stage] / "model", release / specialist, name, specialist, report, context)
                names.append(name)
        write_atomically(release / "exp_config.json", _lineage(context, release))
        return {"models": len(names), "names": names}


def _release_model(source: Path, target: Path, name: str, specialist: str, report: Any, context: Context) -> None:
    shutil.copytree(source, target)
    card = model_card(name, specialist, context.settings.fine_tuning.base_model_name, report)
    write_atomically(target / "README.md", card.encode())


def _lineage(context: Context, release: Path) -> bytes:
    """Return what reproduces this release: settings, seeds, inputs, library versions, every file's digest."""
    record = {
        "settings": context.settings.of_a_run(),
        "request": context.request.identity(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "files": digest_folder(release),
    }
    return msgspec.json.format(msgspec.json.encode(record, order="sorted")) + b"\n"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
