"""Train, validation, test: whole clusters on one side, the same side for both kinds of example."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

PARTS = ("train", "valid", "test")


def split(
    clusters: Sequence[str],
    with_fix: Sequence[bool],
    valid: float,
    test: float,
    seed: int,
    times: Sequence[str] | None = None,
) -> dict[str, str]:
    """Return the part of each cluster.

    `clusters` names the cluster of each example, `with_fix` tells which are code-fix examples.
    Clusters that hold fixes are shared out first, so that both kinds get near their fractions;
    each goes, in an order drawn from the seed, where it is missing most and still fits. With
    three clusters or more no part of theirs stays empty. `times` says when each example came to be
    (ISO 8601 in UTC, "" when unknown): clusters with a time are held out newest first, so that what
    is tested came after what was learned; those without one are drawn.
    """
    newest: dict[str, str] = {}
    for name, time in zip(clusters, times or [""] * len(clusters), strict=True):
        newest[name] = max(newest.get(name, ""), time)
    sizes = Counter(clusters)
    fixed = {name for name, fix in zip(clusters, with_fix, strict=True) if fix}
    parts: dict[str, str] = {}
    for group in (sorted(fixed), sorted(set(clusters) - fixed)):
        parts.update(_share_out(group, sizes, {"valid": valid, "test": test, "train": 1 - valid - test}, seed, newest))
    return parts


def _share_out(
    names: Sequence[str],
    sizes: Mapping[str, int],
    fractions: Mapping[str, float],
    seed: int,
    newest: Mapping[str, str],
) -> dict[str, str]:
    """Fill test and validation from clusters in drawn order, dated ones newest first, leave the rest to train."""
    order = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).hexdigest())
    order.sort(key=lambda name: newest[name], reverse=True)
    total = sum(sizes[name] for name in names)
    parts: dict[str, str] = {}
    for part in ("test", "valid"):
        chosen = _fill([name for name in order if name not in parts], sizes, fractions[part] * total)
        parts.update(dict.fromkeys(chosen, part))
    return {name: parts.get(name, "train") for name in names}


def _fill(names: Sequence[str], sizes: Mapping[str, int], wanted: float) -> list[str]:
    """Return clusters of about `wanted` examples; the smallest one when none fits, none when train would be empty."""
    chosen: list[str] = []
    filled = 0
    for name in names:
        if len(chosen) + 1 < len(names) and filled < wanted and filled + sizes[name] <= 1.25 * wanted:
            chosen.append(name)
            filled += sizes[name]
    if not chosen and len(names) > 1:
        chosen = [min(names, key=lambda name: (sizes[name], name))]
    return chosen
