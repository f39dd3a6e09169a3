"""The measuring process: `python -m pipeline.evaluation.child PLAN`. Resumes after a kill.

Every loss and answer is appended as one line the moment it is known; what is already there is
not measured again. Progress goes to standard output, one JSON line a step.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from config.errors import Error
from pipeline.evaluation.lines import Lines
from pipeline.evaluation.measurement import Answer, Contestant, Failure, Loaded, Loss, Plan, Question, Step, question_id
from pipeline.models import blas
from pipeline.models.load import adapter_config
from pipeline.records import Example
from pipeline.stage import read_records, write_atomically

if TYPE_CHECKING:
    from pipeline.evaluation.engine import Engine


def main(path: str) -> int:
    """Measure every contestant of the plan; an Error becomes the last line of output."""
    try:
        blas.load()
        measure(msgspec.json.decode(Path(path).read_bytes(), type=Plan))
    except Error as error:
        _say(Failure(error=error.message, hint=error.hint))
        return error.exit_code
    return 0


def measure(plan: Plan) -> None:
    """Measure one contestant after the other; each whole model is loaded once."""
    from pipeline.evaluation.engine import Engine

    output = Path(plan.output)
    examples = {kind: list(read_records(Path(file), Example)) for kind, file in plan.losses.items()}
    questions = list(read_records(Path(plan.questions), Question))
    engine: Engine | None = None
    loaded: tuple[str, str] | None = None
    for number, contestant in enumerate(_by_whole_model(plan)):
        wanted = whole_model(plan, contestant)
        if engine is None or wanted != loaded:
            _say(Step(message=f"{contestant.name}: loading the model", done=number, total=len(plan.contestants)))
            engine = None  # its memory goes back before the next one is loaded
            engine, loaded = Engine(Path(wanted[0]), wanted[1]), wanted
        engine.wear(Path(contestant.adapter) if contestant.adapter else None)
        _loaded(engine, contestant, examples, output / f"loaded-{contestant.name}.json")
        _losses(engine, contestant, examples, output / f"losses-{contestant.name}.jsonl")
        for seed in (None, *plan.seeds):
            asked = [question for question in questions if seed is None or question.sampled]
            _answers(engine, contestant, asked, plan, seed)
        _say(Step(message=f"{contestant.name} measured", done=number + 1, total=len(plan.contestants)))


def whole_model(plan: Plan, contestant: Contestant) -> tuple[str, str]:
    """Return folder and quantisation of the model a contestant stands on: an adapter's own, where it names one."""
    if contestant.adapter is not None:
        named = adapter_config(Path(contestant.adapter)).get("fixsmith", {}).get("quantization", plan.quantization)
        return contestant.base or plan.base, named
    return contestant.base or plan.base, plan.quantization if contestant.base is None else "none"


def _by_whole_model(plan: Plan) -> list[Contestant]:
    """Return the contestants, those on the same model together, the plan's own first."""
    own = plan.base, plan.quantization
    return sorted(plan.contestants, key=lambda one: ((wanted := whole_model(plan, one)) != own, wanted))


def _loaded(engine: Engine, contestant: Contestant, examples: dict[str, list[Example]], file: Path) -> None:
    """Write down which files were read, now: after a kill other files may lie there."""
    first = next((of for of in examples.values() if of), [])
    loaded = Loaded(model=contestant.name, base=engine.base_files, adapter=engine.adapter_files)
    if file.exists():
        before = msgspec.json.decode(file.read_bytes(), type=Loaded)
        if (before.base, before.adapter) != (loaded.base, loaded.adapter):
            raise Error(
                f"The files of {contestant.name} changed while it was measured.", "Delete the work folder and repeat."
            )
        return
    fused = engine.fused(first) if contestant.adapter else None
    write_atomically(file, msgspec.json.encode(msgspec.structs.replace(loaded, fused=fused)))


def _losses(engine: Engine, contestant: Contestant, examples: dict[str, list[Example]], file: Path) -> None:
    with Lines(file, Loss) as lines:
        known = {(loss.kind, loss.question) for loss in lines.records}
        for kind, all_of_kind in examples.items():
            left = [example for example in all_of_kind if (kind, question_id(example)) not in known]
            message = f"{contestant.name}: loss on {kind}"
            for done, loss in enumerate(engine.loss(contestant.name, kind, left), 1):
                lines.append(loss)
                _say(Step(message=message, done=done, total=len(left)))


def _answers(engine: Engine, contestant: Contestant, questions: list[Question], plan: Plan, seed: int | None) -> None:
    suffix = "" if seed is None else f"-{seed}"
    with Lines(Path(plan.output) / f"answers-{contestant.name}{suffix}.jsonl", Answer) as lines:
        known = {answer.question for answer in lines.records}
        left = [question for question in questions if question.id not in known]
        if not left:
            return
        made = engine.answers(contestant.name, left, plan.seconds, plan.batch, seed, plan.temperature)
        message = f"{contestant.name}: answers" + (f", seed {seed}" if seed is not None else "")
        for done, answer in enumerate(made, 1):
            lines.append(answer)
            _say(Step(message=message, done=done, total=len(left)))


def _say(line: Step | Failure) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
