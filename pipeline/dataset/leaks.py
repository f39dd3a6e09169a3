"""No prompt tells a held-out answer: fixes of held-out findings are taken out of every prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from pipeline.dataset.examples import Material
from pipeline.knowledge.prompt import render
from pipeline.records import Example, Passage

REASON = "passage: the fix of a held-out finding"
_FIX = "fix:"


def without_held_out_fixes(
    made: Sequence[tuple[str, Example]],
    parts: Sequence[str],
    known: Sequence[Material],
    characters: int,
    dropped: Counter[str],
) -> list[tuple[str, Example]]:
    """Return the examples, in their order, with no passage that shows the fix of a valid or test finding.

    `parts` is each example's part of the split; `dropped` counts the passages taken out.
    """
    held_out = {
        example.metadata["fingerprint"] for (_, example), part in zip(made, parts, strict=True) if part != "train"
    }
    materials = {material.finding.fingerprint: material for material in known}
    result: list[tuple[str, Example]] = []
    for kind, example in made:
        material = materials[example.metadata["fingerprint"]]
        kept = tuple(passage for passage in material.passages if not _shows(passage, held_out))
        if len(kept) < len(material.passages):
            dropped[REASON] += len(material.passages) - len(kept)
            result.append((kind, _with_knowledge(example, material.knowledge, render(kept, characters))))
        else:
            result.append((kind, example))
    return result


def _shows(passage: Passage, held_out: set[str]) -> bool:
    return passage.id.startswith(_FIX) and passage.id.removeprefix(_FIX) in held_out


def _with_knowledge(example: Example, old: str, new: str) -> Example:
    """Return the example with other passages: they are what its question begins with."""
    system, user, *rest = example.messages
    content = user.content.removeprefix(old).removeprefix("\n") if old else user.content
    content = "\n".join(part for part in (new, content) if part)
    changed = (system, msgspec.structs.replace(user, content=content), *rest)
    return msgspec.structs.replace(example, messages=changed)
