"""Names that stand twice in one JSON object: a decoder keeps the last value, and drops the others in silence.

Found by counting: what an object's text holds beside its names and values is what was dropped.
Only bytes are counted, which costs a small part of decoding.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pipeline.scanners.mending import Buffer

PIECE = 1 << 20
SPACES = (b" ", b"\n", b"\r", b"\t")
UNTOLD = 32
"""Bytes that may be left: no finding is as short, and names may be written with escapes."""

REPEATED = "a name stands twice in one object: only its last value is read"


def repeats_a_name(text: Buffer | msgspec.Raw, members: Mapping[str, msgspec.Raw]) -> bool:
    """Tell whether the text of an object holds more than its `members`, decoded by name, account for."""
    told = sum(_telling(raw) + len(msgspec.json.encode(name)) + len(":,") for name, raw in members.items())
    return _telling(text) - told > UNTOLD


def _telling(text: Buffer | msgspec.Raw) -> int:
    """Count the bytes that are no white space."""
    view, found = memoryview(text), 0
    for start in range(0, len(view), PIECE):
        piece = bytes(view[start : start + PIECE])
        found += len(piece) - sum(piece.count(space) for space in SPACES)
    return found
