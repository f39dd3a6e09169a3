"""Caps by rule and by weakness, so that no few of them outweigh all others; a pair stays whole or goes whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from config.settings import Dataset
from pipeline.records import Example


def limited(made: Sequence[tuple[str, Example]], settings: Dataset, dropped: Counter[str]) -> list[tuple[str, Example]]:
    """Return at most `max_per_rule` examples of a rule and kind, and `max_per_cwe` of a weakness, in their order.

    The vulnerable and the safe side of a finding count together: where both don't fit, neither is taken.
    """
    taken: Counter[tuple[str, str, str]] = Counter()
    kept: set[int] = set()
    for rows in _together(made).values():
        kind, example = made[rows[0]]
        groups = [("rule", str(example.metadata["rule"]), settings.max_per_rule)]
        groups += [("CWE", f"CWE-{cwe}", settings.max_per_cwe) for cwe in example.metadata["cwes"][:1]]
        full = next(((what, most) for what, name, most in groups if taken[kind, what, name] + len(rows) > most), None)
        if full is not None:
            dropped[f"{kind}: more than {full[1]} of a {full[0]}"] += len(rows)
            continue
        for what, name, _ in groups:
            taken[kind, what, name] += len(rows)
        kept.update(rows)
    return [one for row, one in enumerate(made) if row in kept]


def _together(made: Sequence[tuple[str, Example]]) -> dict[object, list[int]]:
    """Return the rows that are kept or dropped together, in order: the sides of a pair, else each row alone."""
    groups: dict[object, list[int]] = defaultdict(list)
    for row, (kind, example) in enumerate(made):
        pair = example.metadata.get("pair")
        groups[(kind, pair) if kind == "analysis" and pair is not None else row].append(row)
    return groups
