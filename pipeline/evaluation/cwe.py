"""The CWE tree: is one weakness the same as another, or its parent or child."""

from __future__ import annotations

import functools

from pipeline.evaluation.cwe_table import PARENTS


@functools.cache
def parents() -> dict[int, frozenset[int]]:
    """Return each weakness's parents."""
    entries = (entry.split(":") for entry in PARENTS.split())
    return {int(child): frozenset(map(int, of.split(","))) for child, of in entries}


def related(one: int, other: int) -> bool:
    """Tell whether two weaknesses are the same, or one is the other's direct parent."""
    return one == other or other in parents().get(one, ()) or one in parents().get(other, ())
