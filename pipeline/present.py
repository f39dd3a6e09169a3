"""The files a user meets: links from the output folder to where the newest run made them.

`<output>/latest` is swapped in one step, so that a reader sees one run or the other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pipeline.stage import Manifest, Request, RunFolder, write_atomically

LATEST = "latest"
VIEW = {
    "findings.jsonl": "parse/findings.jsonl",
    "rejected.jsonl": "parse/rejected.jsonl",
    "dataset": "assemble/dataset",
    "models/analysis": "train-analysis/model",
    "models/codefix": "train-codefix/model",
    "models/single": "train-single/model",
    "evaluation/report.json": "evaluate/evaluation/report.json",
    "evaluation/answers.jsonl": "evaluate/evaluation/answers.jsonl",
    "evaluation/report.html": "gate/report.html",
    "evaluation/verdict.json": "gate/verdict.json",
    "release": "publish/release",
}


def present(output: Path, run: RunFolder, request: Request, manifests: Mapping[str, Manifest]) -> None:
    """Write `run.json`, link the files in the run's folder, and point the output folder at them."""
    story = {"run": run.path.name, "request": request, "code": run.code, "stages": manifests}
    write_atomically(run.path / "run.json", msgspec.json.format(msgspec.json.encode(story)) + b"\n")
    for name, target in VIEW.items():
        _link(run.path / name, run.path / target)
    _swap(output / LATEST, Path("runs") / run.path.name)
    for name in ("run.json", *sorted({view.split("/")[0] for view in VIEW})):
        _link(output / name, output / LATEST / name)


def _link(link: Path, target: Path) -> None:
    """Make a relative link when the target exists; remove the link when it doesn't."""
    if not target.exists():
        if link.is_symlink():
            link.unlink()
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    _swap(link, Path(os.path.relpath(target, link.parent)))


def _swap(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
