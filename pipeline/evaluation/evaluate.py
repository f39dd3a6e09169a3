"""The stage that measures the specialists beside the base model, the champion and the trivial answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import Error
from config.settings import Settings
from pipeline.champions import about
from pipeline.evaluation import binding
from pipeline.evaluation.checking import Checker
from pipeline.evaluation.curves import curves
from pipeline.evaluation.measurement import Contestant, Step
from pipeline.evaluation.session import Session, write, write_regressions
from pipeline.evaluation.table import table
from pipeline.models.base import BaseModel, resolve
from pipeline.stage import Context, Progress, Request, digest_folder

__all__ = ["Evaluate", "champions", "opponents", "table"]


class Evaluate:
    """Stage `evaluate`: `evaluation/report.json` and `answers.jsonl`, for the base and every adapter."""

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
            "regression": _digest(settings.evaluation.regression_tasks),
            "source": [request.source_digest, request.earlier_source_digest, request.commit],
            "champion": {name: digest_folder(folder) for name, folder in opponents(settings, request).items()},
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Measure in a child process, then check, score, compare and report."""
        inputs = context.inputs
        binding.check_dataset(inputs["assemble"], binding.read_manifest(inputs["assemble"]))
        base = resolve(context.settings.fine_tuning.base_model_name)
        beaten = champions(opponents(context.settings, context.request), base)
        session = Session(
            base=base,
            contestants=(*self._trained(context), *beaten),
            dataset=inputs["assemble"] / "dataset",
            work=context.work,
            settings=context.settings,
            manifests={name: binding.read_manifest(inputs[stage]) for name, stage in self.models.items()},
            curves=curves({name: inputs[stage] for name, stage in self.models.items()}),
            verify=Checker(context, inputs["parse"]) if context.request.source else None,
        )
        report, measured = session.run(lambda step: context.progress(_progress(self.name, step)))
        write(context.folder / "evaluation", report, measured)
        write_regressions(context.folder / "evaluation", session)
        return {"models": len(report.models), "answers": report.answers, "held_out": report.held_out}

    def _trained(self, context: Context) -> tuple[Contestant, ...]:
        found = {name: context.inputs[stage] / "model" for name, stage in self.models.items()}
        return tuple(Contestant(name=name, adapter=str(path)) for name, path in found.items() if path.is_dir())


def opponents(settings: Settings, request: Request) -> dict[str, Path]:
    """Return the adapters that are to be beaten, by specialist: of `gate.champion`, else the workspace's own."""
    named = settings.gate.champion
    if not named:
        return {name: Path(folder) for name, folder in sorted(request.champions.items())}
    found = {name: Path(named).expanduser() / name for name in ("analysis", "codefix", "single")}
    return {name: folder for name, folder in found.items() if (folder / binding.ADAPTER).is_file()}


def champions(adapters: Mapping[str, Path], base: BaseModel) -> tuple[Contestant, ...]:
    """Return the champions as contestants, each on the base model it was trained on."""
    return tuple(
        Contestant(name=f"champion-{name}", adapter=str(folder), base=_base_of(folder, base))
        for name, folder in adapters.items()
    )


def _base_of(adapter: Path, base: BaseModel) -> str | None:
    """Return the folder of a champion's own base model, None where it is the challengers'."""
    champion = about(adapter)
    if champion is None or champion.base_digest == base.digest:
        return None
    own = resolve(champion.base)
    if own.digest != champion.base_digest:
        raise Error(
            f"The champion in {adapter} can't be measured: its base model {champion.base} isn't the same any more.",
            "Name another release in gate.champion, or move the workspace's folder `champions` away to start anew.",
        )
    return str(own.path)


def _digest(folder: str) -> Any:
    return digest_folder(Path(folder).expanduser()) if folder else {}


def _progress(stage: str, step: Step) -> Progress:
    return Progress(stage=stage, message=step.message, done=step.done, total=step.total)
