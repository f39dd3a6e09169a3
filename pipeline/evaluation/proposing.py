"""Every contender's fixes together, so that verification starts each scanner once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.evaluation import fixes
from pipeline.evaluation.baselines import Baselines
from pipeline.evaluation.measuring import Measured
from pipeline.records import Example, Fix, Record, Verdict

Verify = Callable[[Sequence[Fix]], Sequence[Verdict]]


class Asked(Record):
    """The examples that were answered, by kind; `whole` names the explanations written to their end."""

    analysis: tuple[Example, ...]
    codefix: tuple[Example, ...]
    whole: frozenset[str]


class Proposals(Record):
    """Proposed fixes by contender, in the examples' order: the greedy ones, and the sampled ones by try."""

    greedy: dict[str, list[fixes.Proposal]]
    sampled: dict[str, list[list[fixes.Proposal]]]

    def certain(self) -> frozenset[str]:
        """Return the questions on which verification could judge every contender: only these compare."""
        rows = [*self.greedy.values(), *(one for tries in self.sampled.values() for one in tries)]
        doubtful = {one.question for row in rows for one in row if one.verified is None}
        return frozenset(one.question for row in rows for one in row) - doubtful


def propose_all(measured: Sequence[Measured], asked: Asked, known: Baselines, verify: Verify | None) -> Proposals:
    """Return what every model and trivial answer proposes, verified where `verify` is given."""
    greedy = {one.name: fixes.proposals(asked.codefix, one.answers) for one in measured}
    for name, answer in known.codefix.items():
        greedy[name] = [fixes.propose(example, answer(example)) for example in asked.codefix]
    sampled = {one.name: [fixes.proposals(asked.codefix, of) for of in one.sampled.values()] for one in measured}
    made = Proposals(greedy=greedy, sampled=sampled)
    return made if verify is None or not asked.codefix else _verified(made, asked.codefix, verify)


def _verified(made: Proposals, examples: Sequence[Example], verify: Verify) -> Proposals:
    rows = [*made.greedy.values(), *(one for tries in made.sampled.values() for one in tries)]
    verdicts = iter(
        verify([fixes.as_fix(example, one) for row in rows for example, one in zip(examples, row, strict=True)])
    )

    def judged(row: Sequence[fixes.Proposal]) -> list[fixes.Proposal]:
        return fixes.verified(row, [next(verdicts) for _ in row])

    return Proposals(
        greedy={name: judged(row) for name, row in made.greedy.items()},
        sampled={name: [judged(row) for row in tries] for name, tries in made.sampled.items()},
    )
