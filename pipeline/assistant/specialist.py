"""Which specialist answers for a run: the one it trained, else the workspace's champion."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.errors import UsageError
from pipeline import champions
from pipeline.records import Record
from pipeline.stage import MANIFEST, Manifest

TITLES = {"analysis": "analysis", "codefix": "code-fix"}


class Specialist(Record):
    """An adapter's folder, the name of the base model it belongs on, and the run that trained it."""

    base: str
    adapter: str
    run: str


def specialist_of(run: Path, kind: str) -> Specialist | None:
    """Return the specialist for a kind of question about a run's findings, None when none was trained yet.

    A newer run without training is answered for by the champion, a single-stage model for both kinds.
    """
    run = run.resolve()
    for stage in (f"train-{kind}", "train-single"):
        manifest = run / stage / MANIFEST
        if manifest.is_file():
            base = msgspec.json.decode(manifest.read_bytes(), type=Manifest).counts["base_model"]
            return Specialist(base=base, adapter=str(run / stage / "model"), run=run.name)
    workspace = run.parents[1]
    crowned = [one for one in champions.line(workspace) if one.specialist in (kind, "single")]
    if not crowned:
        return None
    newest = crowned[-1]
    return Specialist(base=newest.base, adapter=str(champions.folder(workspace, newest)), run=newest.run)


def require_specialist(run: Path, kind: str) -> Specialist:
    """Return the specialist; raise UsageError saying what to do when there is none."""
    found = specialist_of(run, kind)
    if found is None:
        raise UsageError(
            f"Run {run.resolve().name} has no {TITLES[kind]} specialist, and there is no champion.",
            "Run process_artifacts without --skip-fine-tuning.",
        )
    return found
