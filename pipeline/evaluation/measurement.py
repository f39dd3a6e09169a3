"""What the measuring child is asked and what it writes down: one JSON line a loss or an answer."""

from __future__ import annotations

from typing import Literal

from pipeline.records import Example, Record
from pipeline.stage import digest_of

Kind = Literal["analysis", "codefix"]
Ending = Literal["object", "end", "length", "time", "form"]
ID_LENGTH = 16


class Contestant(Record):
    """A model that is measured: the base with the adapter in a folder, or untouched.

    `base` names the folder of another whole model (fused, or the champion's base), None the plan's.
    """

    name: str
    adapter: str | None = None
    base: str | None = None


class Plan(Record):
    """What the child does: every contestant's loss on `losses`, and its answers to `questions`.

    `tokens` and `seconds` bound one answer; `batch` is how many are written at a time;
    `seeds` asks for a sampled answer a seed besides the greedy one.
    """

    base: str
    contestants: tuple[Contestant, ...]
    losses: dict[str, str]
    questions: str
    output: str
    seconds: float
    quantization: str = "none"
    batch: int = 8
    seeds: tuple[int, ...] = ()
    temperature: float = 0.8


class Question(Record):
    """A held-out example that is answered: up to its first JSON object, or in full."""

    id: str
    example: Example
    kind: Kind
    tokens: int
    whole: bool = False
    sampled: bool = False


class Answer(Record):
    """What a model answered, greedily or (with a seed) sampled, and what it cost.

    `ending` says why it stopped: the first JSON object closed, the model ended it, the token or
    the time limit, or it can't come to open with an object any more. `logprob` is the sum over its
    tokens, `cwe` the probability the model gave the CWE it names, `vulnerable` that of the verdict
    "vulnerable" against "safe", where it said one.
    """

    question: str
    model: str
    text: str
    ending: Ending
    tokens: int
    prompt_tokens: int
    seconds: float
    logprob: float
    seed: int | None = None
    cwe: float | None = None
    vulnerable: float | None = None


class Loss(Record):
    """A model's loss on one example's answer: the sum over its tokens, in nats, and how many."""

    question: str
    model: str
    kind: str
    total: float
    tokens: int


class Loaded(Record):
    """The files that were really read for one contestant: SHA-256 by name.

    `fused` is the share of the adapter's effect that fusing keeps, None where there is no adapter.
    """

    model: str
    base: dict[str, str]
    adapter: dict[str, str]
    fused: float | None = None


class Step(Record):
    """Progress of the child, one JSON line on its standard output."""

    message: str
    done: int
    total: int


class Failure(Record):
    """Why the child stopped, the last line on its standard output: an Error's two sentences."""

    error: str
    hint: str = ""


def question_id(example: Example) -> str:
    """Return what an example is called in answers and losses: the start of a digest over its words."""
    return digest_of(example.messages)[:ID_LENGTH]
