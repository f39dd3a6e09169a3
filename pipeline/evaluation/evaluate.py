"""The stage that measures the specialists beside the base model, the champion and the trivial answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.evaluation import binding
from pipeline.evaluation.checking import Checker
from pipeline.evaluation.curves import curves
from pipeline.evaluation.measurement import Contestant, Step
from pipeline.evaluation.session import Session, write
from pipeline.evaluation.table import table
from pipeline.models.base import resolve
from pipeline.stage import Context, Progress, Request, digest_folder

__all__ = ["Evaluate", "champions", "table"]


class Evaluate:
    """Stage `evaluate`: `evaluation/report.json`, `report.html`, `answers.jsonl`, for the base and every adapter."""

    name = "evaluate"

    def __init__(self, *, single: bool = False) -> None:
        sequential = {"stage-1": "train-analysis", "stage-2": "train-codefix"}
        self.models = {"single": "train-single"} if single else sequential
        self.needs: tuple[str, ...] = ("parse", "assemble", *self.models.values())

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the evaluation's settings, the base model's name and the champion's digests."""
        return {
            "evaluation": settings.evaluation,
            "base_model": settings.fine_tuning.base_model_name,
            "quantization": settings.fine_tuning.quantization,
            "verification": settings.verification,
            "source": [request.source_digest, request.earlier_source_digest, request.commit],
            "champion": {one.name: digest_folder(Path(one.adapter or "")) for one in champions(settings)},
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Measure in a child process, then check, score, compare and report."""
        inputs = context.inputs
        binding.check_dataset(inputs["assemble"], binding.read_manifest(inputs["assemble"]))
        session = Session(
            base=resolve(context.settings.fine_tuning.base_model_name),
            contestants=(*self._trained(context), *champions(context.settings)),
            dataset=inputs["assemble"] / "dataset",
            work=context.work,
            settings=context.settings,
            manifests={name: binding.read_manifest(inputs[stage]) for name, stage in self.models.items()},
            curves=curves({name: inputs[stage] for name, stage in self.models.items()}),
            verify=Checker(context, inputs["parse"]) if context.request.source else None,
        )
        report, measured = session.run(lambda step: context.progress(_progress(self.name, step)))
        write(context.folder / "evaluation", report, measured)
        return {"models": len(report.models), "answers": report.answers, "held_out": report.held_out}

    def _trained(self, context: Context) -> tuple[Contestant, ...]:
        found = {name: context.inputs[stage] / "model" for name, stage in self.models.items()}
        return tuple(Contestant(name=name, adapter=str(path)) for name, path in found.items() if path.is_dir())


def champions(settings: Settings) -> tuple[Contestant, ...]:
    """Return the published adapters that are to be beaten, as far as there are any."""
    if not settings.gate.champion:
        return ()
    release = Path(settings.gate.champion).expanduser()
    found = {name: release / name for name in ("analysis", "codefix", "single")}
    return tuple(
        Contestant(name=f"champion-{name}", adapter=str(path))
        for name, path in found.items()
        if (path / binding.ADAPTER).is_file()
    )


def _progress(stage: str, step: Step) -> Progress:
    return Progress(stage=stage, message=step.message, done=step.done, total=step.total)
