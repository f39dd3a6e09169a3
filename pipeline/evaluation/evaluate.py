"""The stage that measures the specialists beside the base model, the champion and the trivial answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.evaluation import binding, canaries
from pipeline.evaluation.checking import Checker
from pipeline.evaluation.curves import curves
from pipeline.evaluation.measurement import Answer, Contestant, Plan, Question, Step
from pipeline.evaluation.measuring import Measured, collect, measure
from pipeline.evaluation.questions import questions, read_held_out
from pipeline.evaluation.report import Report, build, encode
from pipeline.evaluation.table import table
from pipeline.models.base import BaseModel, resolve
from pipeline.records import Example
from pipeline.stage import (
    Context,
    Manifest,
    Progress,
    Request,
    digest_folder,
    read_records,
    write_atomically,
    write_records,
)

__all__ = ["Evaluate", "table"]

CANARIES = "canaries.jsonl"


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
            "verification": settings.verification,
            "champion": {one.name: digest_folder(Path(one.adapter or "")) for one in champions(settings)},
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Measure in a child process, then check, score, compare and report."""
        dataset = context.inputs["assemble"] / "dataset"
        manifests = {stage: binding.read_manifest(context.inputs[stage]) for stage in self.needs}
        binding.check_dataset(context.inputs["assemble"], manifests["assemble"])
        held_out = read_held_out(dataset)
        binding.check_leak(held_out)
        base = resolve(context.settings.fine_tuning.base_model_name)
        contestants = (Contestant(name="base"), *self._trained(context), *champions(context.settings))
        asked = questions(held_out, context.settings.evaluation)
        plan = make_plan(context, base, contestants, asked, {**held_out.test, **planted(dataset)})
        measure(plan, lambda step: context.progress(_progress(self.name, step)))
        measured = [collect(plan, one, asked) for one in contestants]
        self._check(base, measured, manifests)
        report = build(
            measured,
            asked,
            held_out,
            binding=binding.binding(base, measured, manifests, dataset),
            verify=Checker(context, context.inputs["parse"]) if context.request.source else None,
            curves=curves({name: context.inputs[stage] for name, stage in self.models.items()}),
        )
        _write(context.folder / "evaluation", _with_exposure(report, measured, dataset), measured)
        return {"models": len(report.models), "answers": report.answers, "held_out": report.held_out}

    def _trained(self, context: Context) -> tuple[Contestant, ...]:
        found = {name: context.inputs[stage] / "model" for name, stage in self.models.items()}
        return tuple(Contestant(name=name, adapter=str(path)) for name, path in found.items() if path.is_dir())

    def _check(self, base: BaseModel, measured: Sequence[Measured], manifests: Mapping[str, Manifest | None]) -> None:
        """Stop when what was loaded isn't what the stages made, or can't be told apart."""
        for one in measured:
            manifest = manifests.get(self.models.get(one.name, ""))
            binding.check_adapter(one.loaded, manifest)
            binding.check_base(base, one.loaded, manifest)
        binding.check_distinct([one for one in measured if not one.name.startswith("champion")])


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


def make_plan(
    context: Context,
    base: BaseModel,
    contestants: tuple[Contestant, ...],
    asked: Sequence[Question],
    examples: Mapping[str, Sequence[Example]],
) -> Plan:
    """Write the questions and examples into the work folder and return the child's plan."""
    settings, work = context.settings.evaluation, context.work
    write_records(work / "questions.jsonl", asked)
    for kind, of in examples.items():
        write_records(work / f"losses-{kind}.jsonl", of)
    return Plan(
        base=str(base.path),
        contestants=contestants,
        losses={kind: str(work / f"losses-{kind}.jsonl") for kind in examples},
        questions=str(work / "questions.jsonl"),
        output=str(work / "measured"),
        seconds=settings.answer_seconds,
        quantization=context.settings.fine_tuning.quantization,
        batch=settings.batch,
        seeds=tuple(range(1, settings.samples + 1)),
        temperature=settings.temperature,
    )


def planted(dataset: Path) -> dict[str, list[Example]]:
    """Return the canaries' candidates as one more kind of example, when canaries were planted."""
    path = dataset / CANARIES
    if not path.is_file():
        return {}
    found = list(read_records(path, Example))
    return {"canary": canaries.rivals(found)}


def _with_exposure(report: Report, measured: Sequence[Measured], dataset: Path) -> Report:
    path = dataset / CANARIES
    if not path.is_file():
        return report
    found = list(read_records(path, Example))
    details = {
        one.name: report.details[one.name] | {"exposure": canaries.exposure(found, one.losses["canary"])}
        for one in measured
    }
    return msgspec.structs.replace(report, details=details)


def _write(folder: Path, report: Report, measured: Sequence[Measured]) -> None:
    folder.mkdir(parents=True)
    write_records(folder / "answers.jsonl", _all_answers(measured))
    write_atomically(folder / "report.json", encode(report))


def _progress(stage: str, step: Step) -> Progress:
    return Progress(stage=stage, message=step.message, done=step.done, total=step.total)


def _all_answers(measured: Sequence[Measured]) -> list[Answer]:
    made = []
    for one in measured:
        for answers in (one.answers, *(one.sampled[seed] for seed in sorted(one.sampled))):
            made += [answers[name] for name in sorted(answers)]
    return made
