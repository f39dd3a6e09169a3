"""The values that findings of secrets point at, so that no excerpt shows them.

Scanners mark a secret's place differently (the value, the assignment, the line), so every
value that can be meant is taken: quoted strings and right sides on the flagged lines. Too
much is hidden rather than too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.records import Domain, Finding
from pipeline.source.document import Document
from pipeline.source.place import Place
from pipeline.source.window import clamp

MIN_LENGTH = 6
"""Shorter values are words that would be hidden everywhere."""

_QUOTED = re.compile(r"""(["'`])((?:(?!\1).)+)\1""")
_ASSIGNED = re.compile(r"""(?:[=:]|=>|\bis\b|\bBearer\b|\bBasic\b|--?\w+)\s*["'`]?([^\s"'`,;)}\]]+)""")
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]+-----")


def is_secret(finding: Finding) -> bool:
    """Tell whether a finding is of a secret in the source."""
    return finding.domain is Domain.SECRETS


def secret_values(place: Place, document: Document) -> tuple[str, ...]:
    """Return the values on the flagged lines that can be the secret, longest first."""
    flagged = clamp(place.start_line, place.end_line, len(document.lines))
    if flagged is None:
        return ()
    first, last = flagged
    lines = document.lines[first - 1 : last]
    found = {value for line in lines for value in _values(line) if len(value) >= MIN_LENGTH}
    found |= {value for value in _marked(place, lines) if len(value) >= MIN_LENGTH}
    if any(_BEGIN.search(line) for line in lines):
        found |= set(_block(document, first))
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def _values(line: str) -> Iterator[str]:
    for match in _QUOTED.finditer(line):
        yield match.group(2)
    for match in _ASSIGNED.finditer(line):
        yield match.group(1)


def _marked(place: Place, lines: tuple[str, ...]) -> Iterator[str]:
    """Yield the marked columns, when they mark one word: a value rather than an assignment."""
    if len(lines) == 1 and place.start_column and place.end_column and place.end_column > place.start_column:
        marked = lines[0][place.start_column - 1 : place.end_column - 1].strip()
        if marked and not re.search(r"\s", marked):
            yield marked.strip("\"'`,;")


def _block(document: Document, first: int) -> Iterator[str]:
    """Yield the lines of a key written in PEM form, without its frame."""
    for line in document.lines[first - 1 :]:
        if "-----END" in line:
            return
        stripped = line.strip().strip("\"'+,\\n ")
        if stripped and "-----BEGIN" not in stripped:
            yield stripped
