"""The stage that measures the specialists beside the base model and the trivial answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.evaluation.measurement import Answer, Contestant, Plan, Question, Step
from pipeline.evaluation.measuring import Measured, collect, measure
from pipeline.evaluation.questions import HeldOut, questions, read_held_out
from pipeline.evaluation.report import Report, build
from pipeline.evaluation.table import table
from pipeline.models.base import BaseModel, resolve
from pipeline.stage import Context, Progress, Request, write_atomically, write_records

__all__ = ["Evaluate", "table"]


class Evaluate:
    """Stage `evaluate`: `evaluation/report.json` and `answers.jsonl`, for the base and every adapter."""

    name = "evaluate"

    def __init__(self, *, single: bool = False) -> None:
        self.models = (
            {"single": "train-single"} if single else {"stage-1": "train-analysis", "stage-2": "train-codefix"}
        )
        self.needs: tuple[str, ...] = ("assemble", *self.models.values())

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the evaluation's settings and the base model's name."""
        return {"evaluation": settings.evaluation, "base_model": settings.fine_tuning.base_model_name}

    def run(self, context: Context) -> dict[str, Any]:
        """Measure in a child process, then score, compare and report."""
        held_out = read_held_out(context.inputs["assemble"] / "dataset")
        base = resolve(context.settings.fine_tuning.base_model_name)
        contestants = (Contestant(name="base"), *self._trained(context))
        asked = questions(held_out, context.settings.evaluation)
        plan = _plan(context, base, contestants, asked, held_out)
        measure(plan, lambda step: context.progress(_progress(self.name, step)))
        measured = [collect(Path(plan.output), one, asked, _loss_ids(held_out), plan.seeds) for one in contestants]
        report = build(measured, asked, held_out)
        self._write(context, report, measured)
        return _counts(report)

    def _trained(self, context: Context) -> tuple[Contestant, ...]:
        found = {name: context.inputs[stage] / "model" for name, stage in self.models.items()}
        return tuple(Contestant(name=name, adapter=str(path)) for name, path in found.items() if path.is_dir())

    def _write(self, context: Context, report: Report, measured: list[Measured]) -> None:
        folder = context.folder / "evaluation"
        folder.mkdir(parents=True)
        write_records(folder / "answers.jsonl", _all_answers(measured))
        write_atomically(
            folder / "report.json", msgspec.json.format(msgspec.json.encode(report, order="sorted")) + b"\n"
        )


def _plan(
    context: Context, base: BaseModel, contestants: tuple[Contestant, ...], asked: list[Question], held_out: HeldOut
) -> Plan:
    settings, output = context.settings.evaluation, context.work / "measured"
    write_records(context.work / "questions.jsonl", asked)
    for kind, examples in held_out.test.items():
        write_records(context.work / f"losses-{kind}.jsonl", examples)
    return Plan(
        base=str(base.path),
        contestants=contestants,
        losses={kind: str(context.work / f"losses-{kind}.jsonl") for kind in held_out.test},
        questions=str(context.work / "questions.jsonl"),
        output=str(output),
        seconds=settings.answer_seconds,
        batch=settings.batch,
    )


def _loss_ids(held_out: HeldOut) -> dict[str, set[str]]:
    return {kind: held_out.ids(kind) for kind in held_out.test}


def _progress(stage: str, step: Step) -> Progress:
    return Progress(stage=stage, message=step.message, done=step.done, total=step.total)


def _all_answers(measured: list[Measured]) -> list[Answer]:
    greedy = [answer for one in measured for _, answer in sorted(one.answers.items())]
    sampled = [
        one.sampled[seed][key] for one in measured for seed in sorted(one.sampled) for key in sorted(one.sampled[seed])
    ]
    return greedy + sampled


def _counts(report: Report) -> dict[str, Any]:
    return {"models": len(report.models), "answers": report.answers, "held_out": report.held_out}
