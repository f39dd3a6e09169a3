"""The values that findings of secrets point at, so that no excerpt shows them.

Scanners mark a secret's place differently (the value, the assignment, the line), so every
value that can be meant is taken: quoted strings and right sides on the flagged lines. What
could also be a word of the language is hidden on those lines only, the rest everywhere.
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

MIN_TELLING = 8
"""A value that is hidden everywhere is at least this long."""

_QUOTED = re.compile(r"""(["'`])((?:(?!\1).)+)\1""")
_ASSIGNED = re.compile(r"""(?:[=:]|=>|\bis\b|\bBearer\b|\bBasic\b|--?\w+)\s*["'`]?([^\s"'`,;)}\]]+)""")
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")


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
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def is_telling(value: str) -> bool:
    """Tell a value that can only be the secret from one that is a word others use too."""
    if value.isidentifier() and (value.islower() or value.isupper()) and not any(map(str.isdigit, value)):
        return False
    return len(value) >= MIN_TELLING and len(set(value)) > 3


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


def private_key_lines(document: Document) -> tuple[str, ...]:
    """Return the lines of every private key in the document, without its frame."""
    kept = document.cache.get("private keys")
    if isinstance(kept, tuple):
        return kept
    found, inside = [], False
    for line in document.lines:
        if _BEGIN.search(line):
            inside = True
        elif "-----END" in line:
            inside = False
        elif inside and len(stripped := line.strip().strip("\"'+,\\ ").removesuffix("\\n")) >= MIN_LENGTH:
            found.append(stripped)
    document.cache["private keys"] = tuple(found)
    return tuple(found)
