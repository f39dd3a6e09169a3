"""The data set as it is published: without canaries, and without code where the settings say so."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pipeline.publishing.guards import CANARIES
from pipeline.records import Example, Message
from pipeline.stage import read_records, write_records

KINDS, SPLITS = ("analysis", "codefix"), ("train", "valid", "test")
LEFT_OUT = "[code left out]"
_CODE = re.compile(r"<code\b.*?</code>", re.DOTALL)
_QUOTED = re.compile(r"`[^`\n]*[\s()=;{}][^`\n]*`")


def lay_out(source: Path, target: Path, *, code: bool) -> dict[str, dict[str, int]]:
    """Write the published form of a data set; return the examples by kind and part."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(CANARIES, *([] if code else ["codefix"])))
    counts: dict[str, dict[str, int]] = {}
    for kind in KINDS if code else KINDS[:1]:
        for split in SPLITS:
            path = target / kind / f"{split}.jsonl"
            kept = list(_kept(path, code=code)) if path.is_file() else []
            counts.setdefault(kind, {})[split] = write_records(path, kept)
    return counts


def _kept(path: Path, *, code: bool) -> Iterator[Example]:
    for example in read_records(path, Example):
        if example.metadata.get("kind") != "canary":
            yield example if code else without_code(example)


def without_code(example: Example) -> Example:
    """Return an example with its excerpt, the code quoted in its answer and the fixed lines taken out."""
    messages = tuple(
        Message(role=one.role, content=_QUOTED.sub(f"`{LEFT_OUT}`", _CODE.sub(LEFT_OUT, one.content)))
        for one in example.messages
    )
    metadata = {name: value for name, value in example.metadata.items() if name != "before"}
    return msgspec.structs.replace(example, messages=messages, metadata=metadata)
