"""What a data set says about itself: counts, checksums, what was dropped, and the leak audit."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

from pipeline.dataset.codefree import Clearing
from pipeline.dataset.split import PARTS
from pipeline.records import Example
from pipeline.stage import Context

COUNTED = ("domain", "scanner", "rule", "severity", "technology", "label", "author", "source", "verdict", "tier")
SENTENCES = 10


def information(
    made: list[tuple[str, Example]], parts: list[str], dropped: Counter[str], context: Context
) -> dict[str, Any]:
    """Return the content of `dataset_info.json`."""
    return {
        "counts": {kind: _counts(kind, made, parts) for kind in ("analysis", "codefix")},
        "dropped": dict(dropped),
        "distinct_answers": {kind: _distinct_share(kind, made) for kind in ("analysis", "codefix")},
        "frequent_sentences": _frequent_sentences(made),
        "leak_audit": leak_audit(made, parts, context.settings.dataset.seed),
        "split": {
            "by": "file, package or page, then near-duplicate cluster; what is dated is held out newest first",
            "valid_fraction": context.settings.dataset.valid_fraction,
            "test_fraction": context.settings.dataset.test_fraction,
            "seed": context.settings.dataset.seed,
        },
        "inputs": {
            "artifacts": context.request.artifacts_digest,
            "source": context.request.source_digest,
            "earlier_artifacts": context.request.earlier_artifacts_digest,
            "earlier_source": context.request.earlier_source_digest,
            "mined": context.request.mined_digest,
            "repository": context.request.repository,
            "branch": context.request.branch,
            "commit": context.request.commit,
        },
    }


def leak_audit(made: list[tuple[str, Example]], parts: list[str], seed: int) -> dict[str, Any]:
    """Return the share of held-out examples with a near relative in train: by cluster, and were the split random."""
    names = [example.metadata["cluster"] for _, example in made]
    order = sorted(range(len(made)), key=lambda index: hashlib.sha256(f"{seed}/{index}".encode()).hexdigest())
    random = [""] * len(made)
    for index, part in zip(order, sorted(parts), strict=True):
        random[index] = part
    return {
        "clusters": len(set(names)),
        "shared": _shared(names, parts),
        "shared_if_random": _shared(names, random),
    }


def _shared(names: list[str], parts: list[str]) -> float:
    train = {name for name, part in zip(names, parts, strict=True) if part == "train"}
    held_out = [name in train for name, part in zip(names, parts, strict=True) if part != "train"]
    return round(sum(held_out) / len(held_out), 4) if held_out else 0.0


def _counts(kind: str, made: list[tuple[str, Example]], parts: list[str]) -> dict[str, Any]:
    rows = [(example, part) for (of, example), part in zip(made, parts, strict=True) if of == kind]
    counts: dict[str, Any] = {part: sum(where == part for _, where in rows) for part in PARTS}
    for key in COUNTED:
        values = Counter(str(example.metadata[key]) for example, _ in rows if example.metadata.get(key) is not None)
        counts[f"by_{key}"] = dict(sorted(values.items()))
    counts["by_cwe"] = dict(sorted(Counter(f"CWE-{cwe}" for row, _ in rows for cwe in row.metadata["cwes"]).items()))
    return counts


def _distinct_share(kind: str, made: list[tuple[str, Example]]) -> float:
    answers = [example.messages[-1].content for of, example in made if of == kind]
    return round(len(set(answers)) / len(answers), 4) if answers else 1.0


def _frequent_sentences(made: list[tuple[str, Example]]) -> list[dict[str, Any]]:
    """Return what answers say again and again, without code: these counts are published where code isn't."""
    sentences: Counter[str] = Counter()
    cleared = Clearing(example for _, example in made)
    for kind, example in made:
        if kind == "analysis":
            prose = cleared(example).messages[-1].content.partition("\n")[2]
            sentences.update(part for part in re.split(r"(?<=[.!?]) +", prose) if part)
    return [
        {"sentence": text, "times": times}
        for text, times in sorted(sentences.most_common(SENTENCES), key=lambda pair: (-pair[1], pair[0]))
    ]
