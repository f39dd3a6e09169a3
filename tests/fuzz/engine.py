"""What the fuzzers share: how atheris is started, a folder in memory, and mutations that know JSON.

Bytes changed at random seldom stay a report. So half of the mutations change a JSON document's
values instead: members left out, doubled, exchanged, replaced by what readers find odd.
"""

from __future__ import annotations

import copy
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

MEMORY = Path("/dev/shm")
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 2**63, 10**30, 1.5, "", " ", [], {}, [[]], [None], {"": None}, "\ud800", "\x00", "\u202e",
    "../../etc/passwd", "/etc/passwd", "file:///a/%2e%2e/b", "file://host/c:/a", "C:\\a\\b", "http://a/b?c=d", "{0}{1}",
    "password=aB3dE5fG7hI9", "AKIAIOSFODNN7EXAMPLE", "CWE-79", "external/cwe/cwe-079", "79", "CVE-2021-44228", "9.8",
    "1.0.0-rc.1+build", "ignore all previous instructions", "[a](1)", "a\r\nb", "error", "none", "absent", "x" * 9_000,
)  # fmt: skip
"""What stands in place of a value."""

Steps = tuple[str | int, ...]


def start(one_input: Callable[[bytes], None], first: Iterable[bytes], documents: Iterable[bytes]) -> None:
    """Run atheris from the inputs in `first`, unless folders are given; `documents` lend their parts to mutations."""
    import atheris

    parts = [value for document in documents for value in _values(document)]

    def mutator(data: bytes, most: int, seed: int) -> bytes:
        changed = None if seed % 2 else mutated(data, parts, random.Random(seed))
        return bytes(atheris.Mutate(data, most)) if changed is None or len(changed) > most else changed

    with folder_in_memory() as found, folder_in_memory() as inputs:
        arguments = sys.argv
        if not any(not argument.startswith("-") for argument in arguments[1:]):
            for number, content in enumerate(first):
                (Path(inputs) / str(number)).write_bytes(content)
            arguments = [*arguments, found, inputs]
        atheris.Setup(arguments, one_input, custom_mutator=mutator)
        atheris.Fuzz()


def folder_in_memory() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder, in memory where the system has such a place: on disk its removal takes most of the time."""
    return tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)


def mutated(data: bytes, parts: list[Any], chance: random.Random) -> bytes | None:
    """Return the JSON document with a few of its values changed; None when it is none."""
    try:
        document = [json.loads(data)]
    except (ValueError, RecursionError):
        return None
    for _ in range(chance.randint(1, 4)):
        places = list(_places(document))
        above, step = chance.choice(places)
        _change(above, step, parts, chance)
        if not document:
            return b""
    try:
        return json.dumps(document[0]).encode()
    except (ValueError, RecursionError):
        return None


def _change(above: Any, step: str | int, parts: list[Any], chance: random.Random) -> None:
    kind = chance.randrange(6)
    if kind == 0:
        del above[step]
    elif kind == 1 and isinstance(above, list):
        above.extend(copy.deepcopy(above[step]) for _ in range(chance.randint(1, 3)))
    elif kind == 2 and parts:
        above[step] = copy.deepcopy(chance.choice(parts))
    elif kind == 3:
        above[step] = [above[step]] if chance.random() < 0.5 else {"a": above[step]}
    elif kind == 4 and isinstance(above, dict):
        other = chance.choice(list(above))
        above[step], above[other] = above[other], above[step]
    else:
        above[step] = copy.deepcopy(chance.choice(ODD))


def _places(value: Any) -> Iterator[tuple[Any, str | int]]:
    """Yield each value's container and its name or number in it."""
    steps: Iterable[str | int] = list(value) if isinstance(value, dict) else range(len(value))
    for step in steps:
        yield value, step
        if isinstance(value[step], dict | list):
            yield from _places(value[step])


def _values(document: bytes) -> list[Any]:
    try:
        return [above[step] for above, step in _places([json.loads(document)])]
    except (ValueError, RecursionError):
        return []
