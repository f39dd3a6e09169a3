"""The order of the stages, written once, and how a run goes through them.

A run's identity is the digest of its inputs, settings and code. The same again is "up to
date"; after a crash the same command goes on at the first stage that isn't finished.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from config.errors import UsageError
from config.settings import Settings
from pipeline import champions
from pipeline.code import code_digest
from pipeline.lock import exclusive
from pipeline.present import present
from pipeline.stage import Manifest, Progress, Request, RunFolder, Stage, digest_of

RUN_ID_LENGTH = 12
PLANNED = ("collect", "parse", "locate", "mine", "verify", "retrieve", "assemble",
           "train-analysis", "train-codefix", "evaluate", "gate", "publish")  # fmt: skip


class RunResult(msgspec.Struct, frozen=True):
    """What became of a run: its folder, a manifest per finished stage, which ones ran and who won just now."""

    folder: Path
    manifests: dict[str, Manifest]
    executed: tuple[str, ...]
    promoted: tuple[str, ...] = ()


def stages(settings: Settings, *, fine_tuning: bool = True) -> tuple[Stage, ...]:
    """Return the stages in order; without fine-tuning they end with the data set."""
    from pipeline.artifacts.collect import Collect
    from pipeline.dataset.assemble import Assemble
    from pipeline.findings.parse import Parse
    from pipeline.fixes.mine import Mine
    from pipeline.knowledge.retrieve import Retrieve
    from pipeline.source.locate import Locate
    from pipeline.verification.verify import Verify

    data: tuple[Stage, ...] = (Collect(), Parse(), Locate(), Mine(), Verify(), Retrieve(), Assemble())
    return data + _training(settings) if fine_tuning else data


def _training(settings: Settings) -> tuple[Stage, ...]:
    from pipeline.evaluation.evaluate import Evaluate
    from pipeline.evaluation.gate import Gate
    from pipeline.publishing.publish import Publish
    from pipeline.training.stages import TrainAnalysis, TrainCodefix, TrainSingle

    if settings.fine_tuning.sequential:
        return (TrainAnalysis(), TrainCodefix(), Evaluate(), Gate(), Publish())
    return (TrainSingle(), Evaluate(single=True), Gate(), Publish(single=True))


def run_flow(
    output: Path,
    request: Request,
    settings: Settings,
    progress: Callable[[Progress], None],
    *,
    fine_tuning: bool = True,
    only: str | None = None,
    sibling: Path | None = None,
) -> RunResult:
    """Take a run through its stages, skipping what is finished; `only` repeats that one stage.

    `sibling` is a workspace of the same redaction key: stages its runs finished the same way are taken over.
    """
    chosen = stages(settings, fine_tuning=fine_tuning)
    with exclusive(output):
        name = run_id(request, settings)
        folder = RunFolder(output / "runs" / name, code_digest())
        request = msgspec.structs.replace(request, champions=champions.opponents(output, name))
        executed = _repeat(folder, chosen, only, request, settings, progress) if only else _go_through(
            folder, chosen, request, settings, progress, sibling
        )  # fmt: skip
        manifests = {stage.name: found for stage in chosen if (found := folder.manifest(stage.name))}
        promoted: tuple[str, ...] = ()
        if "publish" in manifests and all(folder.is_done(stage, settings, request) for stage in chosen):
            promoted = champions.promote(output, folder, manifests["gate"].counts["passed"])
        present(output, folder, request, manifests)
    return RunResult(folder.path, manifests, executed, promoted)


def run_id(request: Request, settings: Settings) -> str:
    """Return the run's identity: the start of a digest over inputs, settings and code."""
    identity = {"request": request.identity(), "settings": settings.of_a_run(), "code": code_digest()}
    return digest_of(identity)[:RUN_ID_LENGTH]


def _go_through(
    folder: RunFolder,
    chosen: tuple[Stage, ...],
    request: Request,
    settings: Settings,
    progress: Callable[[Progress], None],
    sibling: Path | None,
) -> tuple[str, ...]:
    executed = []
    for stage in chosen:
        known = folder.is_done(stage, settings, request)
        if known or (sibling is not None and folder.adopt(stage, sibling / "runs", settings, request)):
            progress(Progress(stage=stage.name, message="up to date", done=1, total=1))
            continue
        progress(Progress(stage=stage.name, message="started"))
        manifest = folder.execute(stage, settings, request, progress)
        executed.append(stage.name)
        progress(Progress(stage=stage.name, message=f"done in {manifest.seconds:.1f} s", done=1, total=1))
    return tuple(executed)


def _repeat(
    folder: RunFolder,
    chosen: tuple[Stage, ...],
    name: str,
    request: Request,
    settings: Settings,
    progress: Callable[[Progress], None],
) -> tuple[str, ...]:
    for stage in chosen:
        if stage.name == name:
            folder.execute(stage, settings, request, progress)
            return (name,)
    raise UsageError(f"Stage '{name}' isn't part of this run.", f"Stages: {', '.join(s.name for s in chosen)}.")
