"""The scanners themselves beside the models, on labels that don't come from them.

A finding that several scanners report is labelled by each of the others: for one of them, what it
finds of the others' findings is its recall. It is asked only where it looks at all: the technologies
it reported anything of, and not of weaknesses where it reported something at the same lines of which
nobody knows whether it is the same. What no scanner found has no label, so recall is relative to all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.evaluation.baselines import expected
from pipeline.evaluation.cwe import related
from pipeline.evaluation.measurement import question_id
from pipeline.evaluation.opening import Opening
from pipeline.evaluation.scores import Scored, cluster
from pipeline.evaluation.scores import overlap as overlap_of_lines
from pipeline.evaluation.statistics import Estimate, estimate
from pipeline.knowledge.rules import Known, short, table
from pipeline.records import Example, Record

Openings = Mapping[str, Opening | None]
PREFIX = "scanner "


class Overlap(Record):
    """Of the weaknesses others label: found by both, by one alone, by neither."""

    both: int = 0
    only_scanner: int = 0
    only_model: int = 0
    neither: int = 0


class ScannerRow(Record):
    """One scanner: its recall on the others' labels, and what each model found beside it."""

    scanner: str
    recall: Estimate
    models: dict[str, Overlap]


Seen = Mapping[str, frozenset[str]]


def sightings(examples: Sequence[Example]) -> dict[str, frozenset[str]]:
    """Return, by question, the scanners that reported its weakness: as one finding, or another at the same place."""
    return _reporters(examples, lambda one, other: other is one or same(one, other) is True)


def doubts(examples: Sequence[Example]) -> dict[str, frozenset[str]]:
    """Return, by question, the scanners that reported something there of which nobody knows whether it is the same."""
    return _reporters(examples, lambda one, other: other is not one and same(one, other) is None)


def _reporters(examples: Sequence[Example], counts: Callable[[Example, Example], bool]) -> dict[str, frozenset[str]]:
    by_path: dict[Any, list[Example]] = defaultdict(list)
    for one in examples:
        if expected(one).verdict == "vulnerable":
            by_path[one.metadata.get("path")].append(one)
    return {
        question_id(one): frozenset().union(*(_own(other) for other in of if counts(one, other)))
        for of in by_path.values()
        for one in of
    }


def same(one: Example, other: Example) -> bool | None:
    """Tell whether two findings of a file are one weakness; None: their lines overlap, and nobody knows.

    It is known of rules of one group of `knowledge/rules.yaml`, and where both have a CWE.
    """
    lines, others = expected(one).lines, expected(other).lines
    if lines is None or others is None or not overlap_of_lines(lines, others):
        return False
    ours, theirs = _known(one), _known(other)
    if ours is not None and theirs is not None:
        return ours.about == theirs.about
    cwes, their_cwes = _cwes(one, ours), _cwes(other, theirs)
    if not cwes or not their_cwes:
        return None
    return any(related(cwe, another) for cwe in cwes for another in their_cwes)


def _known(example: Example) -> Known | None:
    """Return what is written by hand of an example's rule, where its report names no CWE."""
    scanner, rule = (str(example.metadata.get(name, "")) for name in ("scanner", "rule"))
    return table().get((scanner, short(scanner, rule))) if expected(example).cwe is None else None


def _cwes(example: Example, known: Known | None) -> tuple[int, ...]:
    cwe = expected(example).cwe
    return (cwe,) if cwe is not None else known.cwes if known is not None else ()


def _own(example: Example) -> frozenset[str]:
    known = example.metadata
    return frozenset(known.get("scanners") or filter(None, [known.get("scanner")]))


def labelled(
    scanner: str, examples: Sequence[Example], looked_at: Sequence[Example], seen: Seen, unsure: Seen
) -> list[Example]:
    """Return the vulnerable examples that another scanner labels, where this one looks at all.

    `looked_at` (train and test) tells of which technologies it ever reported something; where it is `unsure`
    whether it reported this very weakness, it isn't asked.
    """
    technologies = {one.metadata.get("technology") for one in looked_at if scanner in _own(one)}
    return [
        one
        for one in examples
        if (by := seen.get(question_id(one), frozenset())) - {scanner}
        and one.metadata.get("technology") in technologies
        and (scanner in by or scanner not in unsure.get(question_id(one), frozenset()))
    ]


def recall(scanner: str, examples: Sequence[Example], seen: Seen) -> Scored:
    """Return an item an example: did the scanner report it too."""
    return Scored(
        items=tuple((float(scanner in seen[question_id(one)]), 1.0) for one in examples),
        clusters=tuple(map(cluster, examples)),
        questions=tuple(map(question_id, examples)),
    )


class Contest(Record):
    """The examples each scanner is measured on, and who reported what."""

    examples: dict[str, tuple[Example, ...]]
    seen: dict[str, frozenset[str]]

    def recall(self, scanner: str) -> Scored:
        """Return a scanner's items."""
        return recall(scanner, self.examples[scanner], self.seen)


def contest(answered: Sequence[Example], every: Sequence[Example]) -> Contest:
    """Return what each scanner is measured on, of the answered examples; `every` is train and test together."""
    seen, unsure = sightings(every), doubts(every)
    names = sorted({name for one in every for name in _own(one)})
    found = {name: tuple(labelled(name, answered, every, seen, unsure)) for name in names}
    return Contest(examples={name: of for name, of in found.items() if of}, seen=seen)


def rows(asked: Contest, models: Mapping[str, Openings]) -> tuple[ScannerRow, ...]:
    """Return a row a scanner, with its overlap with each model."""
    made = []
    for name, examples in asked.examples.items():
        scored = asked.recall(name)
        overlaps = {model: overlap(name, examples, given, asked.seen) for model, given in models.items()}
        made.append(ScannerRow(scanner=name, recall=estimate(scored.items, scored.clusters), models=overlaps))
    return tuple(made)


def overlap(scanner: str, examples: Sequence[Example], answers: Openings, seen: Seen) -> Overlap:
    """Return who found what; a model finds what it calls vulnerable."""
    counts = dict.fromkeys(Overlap.__struct_fields__, 0)
    for one in examples:
        opening = answers[question_id(one)]
        found = scanner in seen[question_id(one)], opening is not None and opening.verdict == "vulnerable"
        names = {(True, True): "both", (True, False): "only_scanner", (False, True): "only_model"}
        counts[names.get(found, "neither")] += 1
    return Overlap(**counts)
