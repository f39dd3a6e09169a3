"""What the gate says of a run, for the stages and commands that must obey it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from config.errors import Error, NotBetter
from pipeline.records import Record

Specialist = Literal["analysis", "codefix", "single"]
VERDICT = "verdict.json"


class Rule(Record):
    """One rule: the figure, the threshold, and what came of it. None: it could not be measured."""

    name: str
    passed: bool | None
    figure: float | None
    threshold: float | None
    sentence: str


class Judgement(Record):
    """What the gate says of one challenger."""

    specialist: Specialist
    model: str
    against: str
    better: bool
    rules: tuple[Rule, ...]


class GateVerdict(Record):
    """What the gate says of a run: `better` when every specialist is; each may be published on its own."""

    better: bool
    judgements: tuple[Judgement, ...]

    @property
    def passed(self) -> tuple[Specialist, ...]:
        """The specialists that may be published."""
        return tuple(one.specialist for one in self.judgements if one.better)


def read_verdict(folder: Path) -> GateVerdict:
    """Return the verdict in a gate's folder; raise Error when it can't be read."""
    try:
        return msgspec.json.decode((folder / VERDICT).read_bytes(), type=GateVerdict)
    except (OSError, msgspec.DecodeError) as error:
        raise Error(f"The gate's verdict can't be read: {error}.", "Repeat the stage gate.") from error


def require_better(folder: Path) -> GateVerdict:
    """Return the verdict in a gate's folder; raise NotBetter, with the rules that failed, when nothing passed."""
    verdict = read_verdict(folder)
    if not verdict.passed:
        said = " ".join(map(sentence, verdict.judgements)) or "No model was trained."
        raise NotBetter(said, "Nothing was published. More findings, more verified fixes or more epochs may help.")
    return verdict


def sentence(one: Judgement) -> str:
    """Return what came of one challenger, in one sentence."""
    if one.better:
        return f"The {one.specialist} specialist is better than {one.against}."
    failed = "; ".join(rule.sentence for rule in one.rules if rule.passed is False)
    return f"The {one.specialist} specialist isn't better than {one.against}: {failed}."
