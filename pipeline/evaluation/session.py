"""One evaluation from beginning to end: used by the stage, and by `fixsmith evaluate` on any folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.champions import about
from pipeline.evaluation import binding, canaries, regression
from pipeline.evaluation.canaries import CANARIES
from pipeline.evaluation.measurement import Answer, Contestant, Plan, Question, Step
from pipeline.evaluation.measuring import Measured, collect, measure
from pipeline.evaluation.proposing import Verify
from pipeline.evaluation.questions import questions, read_held_out
from pipeline.evaluation.regression import Scores
from pipeline.evaluation.report import BASE, Report, build, encode
from pipeline.models.base import BaseModel
from pipeline.records import Example
from pipeline.stage import Manifest, read_records, write_atomically, write_records

ANSWERS, REPORT, REGRESSION = "answers.jsonl", "report.json", "regression.json"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured: the base, adapters by name, a data set; `work` is kept across kills.

    `manifests` holds, by contestant, what its training stage handed over: the loaded files must be those.
    """

    base: BaseModel
    contestants: tuple[Contestant, ...]
    dataset: Path
    work: Path
    settings: Settings
    manifests: Mapping[str, Manifest | None]
    curves: Mapping[str, Any]
    verify: Verify | None = None

    def run(self, say: Callable[[Step], None]) -> tuple[Report, list[Measured]]:
        """Measure in a child process, then check, score and compare; raise Error when figures would lie."""
        held_out = read_held_out(self.dataset)
        binding.check_leak(held_out)
        asked = questions(held_out, self.settings.evaluation)
        plan = self._plan(asked, {**held_out.test, **planted(self.dataset)})
        measure(plan, say)
        measured = [collect(plan, one, asked) for one in plan.contestants]
        self._check(measured)
        report = build(
            measured,
            asked,
            held_out,
            binding=binding.binding(self.base, measured, self.manifests, self.dataset),
            curves=self.curves,
            verify=self.verify,
        )
        return _with_exposure(report, measured, self.dataset), measured

    def _plan(self, asked: Sequence[Question], examples: Mapping[str, Sequence[Example]]) -> Plan:
        settings = self.settings.evaluation
        write_records(self.work / "questions.jsonl", asked)
        for kind, of in examples.items():
            write_records(self.work / f"losses-{kind}.jsonl", of)
        return Plan(
            base=str(self.base.path),
            contestants=(Contestant(name=BASE), *self.contestants),
            losses={kind: str(self.work / f"losses-{kind}.jsonl") for kind in examples},
            questions=str(self.work / "questions.jsonl"),
            output=str(self.work / "measured"),
            seconds=settings.answer_seconds,
            quantization=measured_quantization(self.settings),
            batch=settings.batch,
            seeds=tuple(range(1, settings.samples + 1)),
            temperature=settings.temperature,
        )

    def _check(self, measured: Sequence[Measured]) -> None:
        """Stop when what was loaded isn't what the stages made, or can't be told apart."""
        contestants = {one.name: one for one in self.contestants}
        for one in measured:
            manifest, contestant = self.manifests.get(one.name), contestants.get(one.name, Contestant(name=BASE))
            binding.check_adapter(one.loaded, manifest)
            if contestant.adapter is not None:
                binding.check_champion(one.loaded, about(Path(contestant.adapter)))
            if contestant.base is None:
                binding.check_base(self.base, one.loaded, manifest)
        binding.check_distinct([one for one in measured if not one.name.startswith("champion")])


def measured_quantization(settings: Settings) -> str:
    """Return how the base is quantised to be measured: as it was trained on here, and not at all when elsewhere."""
    return settings.fine_tuning.quantization if settings.fine_tuning.backend == "mlx" else "none"


def planted(dataset: Path) -> dict[str, list[Example]]:
    """Return the canaries' candidates as one more kind of example, when canaries were planted."""
    path = dataset / CANARIES
    return {"canary": canaries.rivals(list(read_records(path, Example)))} if path.is_file() else {}


def write_regressions(folder: Path, session: Session) -> Scores:
    """Answer the settings' regression tasks with base and contestants, write the scores, and return them."""
    named = session.settings.evaluation.regression_tasks
    if not named:
        return {}
    contestants = (Contestant(name=BASE), *session.contestants)
    scores = regression.measure(session.base.path, contestants, Path(named).expanduser().absolute())
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / REGRESSION, msgspec.json.format(msgspec.json.encode(scores)) + b"\n")
    return scores


def write(folder: Path, report: Report, measured: Sequence[Measured]) -> None:
    """Write answers and report into a folder; the page is written where the gate's verdict is known."""
    folder.mkdir(parents=True, exist_ok=True)
    write_records(folder / ANSWERS, _all_answers(measured))
    write_atomically(folder / REPORT, encode(report))


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


def _all_answers(measured: Sequence[Measured]) -> list[Answer]:
    made = []
    for one in measured:
        for answers in (one.answers, *(one.sampled[seed] for seed in sorted(one.sampled))):
            made += [answers[name] for name in sorted(answers)]
    return made
