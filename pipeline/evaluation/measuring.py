"""Running the measuring child and reading what it wrote: complete, and from the files that were meant."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from config.errors import Error
from pipeline.evaluation.measurement import Answer, Contestant, Failure, Loaded, Loss, Plan, Question, Step, question_id
from pipeline.models import blas
from pipeline.records import Example
from pipeline.stage import read_records, write_atomically

ROOT = Path(__file__).resolve().parents[2]
ERROR_LINES = 4


class Measured(msgspec.Struct, frozen=True):
    """All that was measured of one contestant: greedy answers, and sampled ones by seed."""

    name: str
    loaded: Loaded
    losses: dict[str, dict[str, Loss]]
    answers: dict[str, Answer]
    sampled: dict[int, dict[str, Answer]]


def measure(plan: Plan, say: Callable[[Step], None]) -> None:
    """Run the child to its end; raise the Error it names, or one with the last lines it printed."""
    path = Path(plan.output) / "plan.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, msgspec.json.encode(plan))
    command = [sys.executable, "-m", "pipeline.evaluation.child", str(path)]
    environment = blas.environment() | {"PYTHONPATH": str(ROOT)}
    with (
        (path.parent / "child.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment) as child,
    ):
        failure = _listen(child, say)
    if failure is not None:
        raise Error(failure.error, failure.hint)
    if child.returncode != 0:
        raise Error(
            f"The measuring process ended with {child.returncode}: {_last_words(path.parent / 'child.log')}.",
            "Run it again: what was measured is kept.",
        )


def _listen(child: subprocess.Popen[bytes], say: Callable[[Step], None]) -> Failure | None:
    """Pass its steps on until it ends; end it when this process is stopped."""
    failure = None
    try:
        for line in child.stdout or ():
            said = _said(line)
            if isinstance(said, Step):
                say(said)
            failure = said if isinstance(said, Failure) else failure
        child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
    return failure


def _said(line: bytes) -> Step | Failure | None:
    """Return what a line of the child's output says; a library may print lines of its own."""
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(line, type=Step)
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(line, type=Failure)
    return None


def collect(plan: Plan, contestant: Contestant, questions: Sequence[Question]) -> Measured:
    """Return what the child wrote for one contestant; raise Error when a part of it is missing."""
    name, folder = contestant.name, Path(plan.output)
    loaded = msgspec.json.decode((folder / f"loaded-{name}.json").read_bytes(), type=Loaded)
    asked = {question.id for question in questions}
    sampled = {question.id for question in questions if question.sampled}
    return Measured(
        name=name,
        loaded=loaded,
        losses=_read_losses(plan, folder / f"losses-{name}.jsonl", name),
        answers=read_answers(folder / f"answers-{name}.jsonl", name, asked),
        sampled={
            seed: read_answers(folder / f"answers-{name}-{seed}.jsonl", name, sampled, seed) for seed in plan.seeds
        },
    )


def _read_losses(plan: Plan, path: Path, model: str) -> dict[str, dict[str, Loss]]:
    losses: dict[str, dict[str, Loss]] = {kind: {} for kind in plan.losses}
    for loss in read_records(path, Loss):
        losses.setdefault(loss.kind, {})[loss.question] = loss
    for kind, file in plan.losses.items():
        _complete(path.name, model, set(losses[kind]), {question_id(one) for one in read_records(Path(file), Example)})
    return losses


def read_answers(path: Path, model: str, asked: set[str], seed: int | None = None) -> dict[str, Answer]:
    """Return a model's answers by question; a file that isn't whole, or holds other answers, is an Error."""
    lines = list(read_records(path, Answer)) if path.exists() else []
    answers = {answer.question: answer for answer in lines}
    _complete(path.name, model, set(answers), asked)
    wanted = _whose(model, seed)
    strangers = {_whose(answer.model, answer.seed) for answer in lines} - {wanted}
    if strangers or len(lines) > len(answers):
        said = f"answers of {', '.join(sorted(strangers))}, not of {wanted}" if strangers else "answers twice"
        raise Error(f"{path.name} holds {said}.", "Delete the evaluation's work folder and repeat the evaluation.")
    return answers


def _whose(model: str, seed: int | None) -> str:
    return model if seed is None else f"{model} with seed {seed}"


def _complete(file: str, model: str, there: set[str], wanted: set[str]) -> None:
    if there != wanted:
        raise Error(
            f"{file} isn't whole: {len(there & wanted)} of {len(wanted)} examples of {model} are in it"
            + (f", and {len(there - wanted)} that were never asked." if there - wanted else "."),
            "Repeat the evaluation; what is there is kept.",
        )


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-ERROR_LINES:]
    return " / ".join(line.strip() for line in lines) or "it said nothing"
