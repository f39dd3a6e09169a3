"""Data sets and models made up for tests: what they answer is known, so what is measured must be that."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence

from config.settings import Evaluation
from pipeline.evaluation.measurement import Answer, Loaded, Loss, question_id
from pipeline.evaluation.measuring import Measured
from pipeline.evaluation.questions import HeldOut, questions
from pipeline.evaluation.report import Report, build
from pipeline.records import Example, Message

WEAKNESSES = (("CWE-89", "B608"), ("CWE-78", "B602"), ("CWE-327", "B303"), ("CWE-502", "B301"))
SETTINGS = Evaluation(max_answers=500, max_fixes=500, max_explanations=4)


def finding(number: int, *, part: str = "test", safe: bool = False, cluster: str | None = None) -> Example:
    """Return an analysis example; numbers decide weakness and file, the severity follows the weakness."""
    cwe, rule = WEAKNESSES[number % len(WEAKNESSES)]
    line = 3 + number % 50
    code = f"run(arg{number})" if safe else f"unsafe(arg{number})"
    head = {
        "cwe": cwe,
        "severity": "info" if safe else ("high", "medium")[number % 2],
        "verdict": "safe" if safe else "vulnerable",
        "lines": [line, line],
        "fix_kind": "none" if safe else "code",
    }
    place = f"<code path=m{number}.py>\n>{line} {code}\n</code>"
    prompt = f"<finding scanner=bandit rule={rule}>\nWeak call.\n</finding>\n{place}"
    return Example(
        messages=(
            Message(role="system", content="You explain security findings."),
            Message(role="user", content=prompt),
            Message(role="assistant", content=json.dumps(head, separators=(",", ":")) + f"\nLine {line} has `{code}`."),
        ),
        metadata=metadata(number, rule, part, cluster) | {"kind": "analysis", "label": head["verdict"]},
    )


def fix(number: int, *, part: str = "test", cluster: str | None = None) -> Example:
    """Return a code-fix example."""
    _, rule = WEAKNESSES[number % len(WEAKNESSES)]
    return Example(
        messages=(
            Message(role="system", content="You fix security findings."),
            Message(role="user", content=f"<code path=m{number}.py>\n>3 unsafe(arg{number})\n</code>"),
            Message(role="assistant", content=f"    run(arg{number})"),
        ),
        metadata=metadata(number, rule, part, cluster)
        | {"kind": "codefix", "before": f"    unsafe(arg{number})\n", "start_line": 3, "end_line": 3},
    )


def metadata(number: int, rule: str, part: str, cluster: str | None) -> dict[str, object]:
    """Return what both kinds know of their finding."""
    return {
        "fingerprint": f"f{number}",
        "pair": f"f{number}",
        "rule": rule,
        "scanner": "bandit",
        "domain": "sast",
        "path": f"m{number}.py",
        "cluster": cluster or f"{part}-{number}",
        "split": part,
    }


def held_out(size: int = 24) -> HeldOut:
    """Return a data set: `size` findings in test, each second one with its fixed twin, as many fixes."""
    made = {}
    for part, start in (("train", 1000), ("test", 0)):
        numbers = range(start, start + size)
        findings = [finding(number, part=part) for number in numbers]
        findings += [finding(number, part=part, safe=True) for number in numbers if number % 2]
        made[part] = {"analysis": findings, "codefix": [fix(number, part=part) for number in numbers]}
    return HeldOut(train=made["train"], test=made["test"])


def model(
    name: str, data: HeldOut, skill: float, *, loss: float = 1.0, seed: int = 0, text: str | None = None
) -> Measured:
    """Return a model that answers right with probability `skill`, else wrongly; `text` is said to everything."""
    drawn = random.Random(f"{name}{seed}")
    answers = {
        question.id: _answer(name, question.example, skill, drawn, text) for question in questions(data, SETTINGS)
    }
    losses = {
        kind: {question_id(one): _loss(name, kind, one, loss, drawn) for one in examples}
        for kind, examples in data.test.items()
    }
    adapter = {} if name == "base" else {"adapters.safetensors": hashlib.sha256(name.encode()).hexdigest()}
    loaded = Loaded(model=name, base={"config.json": "0"}, adapter=adapter, fused=None if name == "base" else 0.99)
    return Measured(name=name, loaded=loaded, losses=losses, answers=answers, sampled={})


def report(data: HeldOut, models: Sequence[Measured]) -> Report:
    """Return the report of made-up models."""
    return build(models, questions(data, SETTINGS), data, binding={}, curves={})


def _answer(name: str, example: Example, skill: float, drawn: random.Random, text: str | None) -> Answer:
    right = drawn.random() < skill
    said = text if text is not None else example.messages[-1].content if right else _wrong(example)
    return Answer(
        question=question_id(example),
        model=name,
        text=said,
        ending="end",
        tokens=10,
        prompt_tokens=50,
        seconds=0.5,
        logprob=-drawn.random(),
        cwe=0.9 if right else 0.4,
        vulnerable=0.9 if '"vulnerable"' in said else 0.1,
    )


def _wrong(example: Example) -> str:
    if example.metadata["kind"] == "codefix":
        return "    other()"
    return '{"cwe":"CWE-1","severity":"low","verdict":"safe","lines":[900,901],"fix_kind":"code"}\nIt is `elsewhere`.'


def _loss(name: str, kind: str, example: Example, loss: float, drawn: random.Random) -> Loss:
    total = 20 * loss * drawn.uniform(0.9, 1.1)
    return Loss(question=question_id(example), model=name, kind=kind, total=total, tokens=20)
