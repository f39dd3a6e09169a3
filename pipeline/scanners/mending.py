"""Broken JSON made readable without inventing anything: what came before a break is kept.

One pass over the bytes, aware of strings and brackets. Mended are: a document that breaks off
or goes wrong (cut at the break, every open object closed with a mark, so that the half-read
element is known), nesting beyond `DEEPEST` (the subtree becomes null), lone surrogate escapes
(become U+FFFD), raw control characters in strings (become escapes), and the numbers JSON doesn't
have (NaN and Infinity, which Python writes, become null).
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from pipeline.scanners.interface import Fault

Buffer = bytes | mmap.mmap | memoryview
DEEPEST = 128
ALWAYS_MISSING, BYTES_A_MISSING_NUMBER = 1_000, 40
"""So many NaN and Infinity are read as null, and one more for so many bytes: with more it is no report."""

MARK = b'"\\u0000cut":true'
CUT = MARK + b"}"
_TOKEN = re.compile(
    rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"'  # a good string
    rb'|("(?:[^"\\]++|\\.)*+")'  # a string with raw control characters
    rb"|(-?\b(?:NaN|Infinity)\b)"
    rb'|["{}\[\],]',
    re.DOTALL,
)
_CONTROL = re.compile(rb"[\x00-\x1f]")
_CONTROLS = {bytes([code]): b"\\u%04x" % code for code in range(0x20)}
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)
_STOP = re.compile(r"\(byte (\d+)\)")
_CLOSER = {b"{": b"}", b"[": b"]"}


class Mended(NamedTuple):
    """A document that can perhaps be decoded now, and what its mending left out."""

    text: bytes
    faults: tuple[Fault, ...]


class _Edit(NamedTuple):
    start: int
    end: int
    text: bytes


class _Walk:
    """The state of one pass: open brackets, the last place the text can be cut, and the edits."""

    def __init__(self) -> None:
        self.open: list[bytes] = []
        self.deep_since = -1
        self.cut = 0
        self.empty = True
        self.edits: list[_Edit] = []
        self.deep: list[int] = []
        self.missing = 0

    def step(self, token: bytes, start: int) -> bool:
        """Take one bracket or comma; False where the text stops making sense."""
        if token in _CLOSER:
            self.open.append(token)
            if len(self.open) == DEEPEST + 1:
                self.deep_since = start
            self._safe(start + 1, empty=True)
        elif token == b",":
            self._safe(start, empty=False)
        else:
            if not self.open or _CLOSER[self.open.pop()] != token:
                return False
            self._safe(start + 1, empty=False)
            if len(self.open) == DEEPEST:
                self._flatten(start + 1)
        return True

    def _safe(self, position: int, *, empty: bool) -> None:
        if len(self.open) <= DEEPEST:
            self.cut, self.empty = position, empty

    def _flatten(self, end: int) -> None:
        self.edits.append(_Edit(self.deep_since, end, b"null"))
        self.deep.append(self.deep_since)

    def closing(self) -> bytes:
        """Close what is open at the cut, marking every object as cut."""
        parts, empty = [], self.empty
        for bracket in reversed(self.open[:DEEPEST]):
            if bracket == b"{":
                parts.append((b"" if empty else b",") + CUT)
            else:
                parts.append(b"]")
            empty = False
        return b"".join(parts)


def mend(text: Buffer, complaint: str) -> Mended:
    """Mend a document that msgspec refused with `complaint`; the caller decodes it again.

    What is no JSON at all stays unreadable.
    """
    mended = _mend(text, complaint)
    stop = _decoder_stop(mended.text)
    if stop is None:
        return mended
    again = _mend(memoryview(mended.text)[: stop[0]], stop[1])
    return Mended(again.text, (*mended.faults, *again.faults))


def _decoder_stop(text: bytes) -> tuple[int, str] | None:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        found = _STOP.search(str(error))
        return (int(found[1]), str(error)) if found else None
    except RecursionError:
        return None
    return None


def _mend(text: Buffer, complaint: str) -> Mended:
    walk, size = _Walk(), len(text)
    broken = _walk(text, walk) or bool(walk.open)
    if len(walk.open) > DEEPEST:
        walk.edits.append(_Edit(walk.deep_since, size, b"null"))
        walk.cut, walk.empty, walk.open = size, False, walk.open[:DEEPEST]
    if walk.cut == 0:
        return Mended(bytes(text), ())
    faults = []
    if walk.deep:
        values = f"{len(walk.deep)} values nested more than {DEEPEST} deep, the first at byte {walk.deep[0]}"
        faults.append(_fault(f"{values}: left out"))
    if walk.missing:
        faults.append(_fault(f"{walk.missing} numbers that JSON doesn't have (NaN, Infinity): read as null"))
    if broken:
        faults.append(_fault(f"truncated or broken JSON at byte {walk.cut} of {size}: {complaint}"))
    elif bytes(text[walk.cut : walk.cut + 4096]).strip():
        faults.append(_fault(f"text after the end of the document, from byte {walk.cut}: not read"))
    edits = sorted([*walk.edits, *_lone_surrogates(text, walk.cut)])
    return Mended(_apply(text, edits, walk.cut) + walk.closing(), tuple(faults))


def _walk(text: Buffer, walk: _Walk) -> bool:
    """Walk the tokens to the document's end; True when something is broken on the way."""
    most_missing = ALWAYS_MISSING + len(text) // BYTES_A_MISSING_NUMBER
    for match in _TOKEN.finditer(text):
        if match.lastindex:
            walk.missing += match.lastindex == 2
            if walk.missing > most_missing:
                return True
            good = _escaped(match[0]) if match.lastindex == 1 else b"null"
            walk.edits.append(_Edit(match.start(), match.end(), good))
            continue
        token = match[0]
        if len(token) > 1:
            continue
        if token == b'"' or not walk.step(token, match.start()):
            return True
        if not walk.open:
            return False
    return False


def _escaped(string: bytes) -> bytes:
    """Return a string with its raw control characters escaped, and its lone surrogates replaced."""
    paired = _ESCAPE.sub(lambda match: b"\\ufffd" if match.lastindex else match[0], string)
    return _CONTROL.sub(lambda match: _CONTROLS[match[0]], paired)


def _lone_surrogates(text: Buffer, end: int) -> Iterator[_Edit]:
    for match in _ESCAPE.finditer(text):
        if match.start() >= end:
            return
        if match.lastindex:
            yield _Edit(match.start(), match.end(), b"\\ufffd")


def _apply(text: Buffer, edits: list[_Edit], end: int) -> bytes:
    view, parts, position = memoryview(text), [], 0
    for edit in edits:
        if position <= edit.start and edit.end <= end:
            parts += [view[position : edit.start], memoryview(edit.text)]
            position = edit.end
    return b"".join([*parts, view[position:end]])


def _fault(reason: str) -> Fault:
    return Fault(pointer="", reason=reason)
