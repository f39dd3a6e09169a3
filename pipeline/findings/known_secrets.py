"""The values scanners name as secrets, found wherever they stand."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from pipeline.findings.secret_context import is_placeholder
from pipeline.findings.text import clean

SHORTEST = 5
SHORTEST_LINE = 16


class KnownSecrets:
    """The reported values, and each form they take when escaped, found by their first characters.

    Values too short or too common to be told from other text are left to the rules: replacing
    every `test` would destroy the findings and protect nothing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        telling = {value.strip() for value in values if _is_telling(value.strip())}
        forms = {form for value in telling for form in _forms(value) if len(form) >= SHORTEST}
        self._forms: dict[str, list[str]] = {}
        for form in sorted(forms, key=lambda form: (-len(form), form)):
            self._forms.setdefault(form[:SHORTEST], []).append(form)
        self._starts = re.compile(_trie_pattern(self._forms)) if forms else None

    def __bool__(self) -> bool:
        return self._starts is not None

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a value stands, the longest at each place."""
        position = 0
        while self._starts is not None and (match := self._starts.search(text, position)):
            start = match.start()
            form = next((form for form in self._forms[match[0]] if text.startswith(form, start)), "")
            if form:
                yield start, start + len(form)
            position = start + max(len(form), 1)


def _forms(value: str) -> set[str]:
    """Return a value as it may stand in JSON, a URL or HTML, and its lines one by one."""
    lines = [line.strip() for line in re.split(r"\\n|\n", value)]
    return {
        value,
        clean(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe="", errors="replace"),
        quote(value, errors="replace"),
        html.escape(value),
        *(line for line in lines if len(lines) > 1 and len(line) >= SHORTEST_LINE and not line.startswith("-----")),
    }


def _is_telling(value: str) -> bool:
    if len(value) < SHORTEST or is_placeholder(value):
        return False
    return len(value) >= 8 or not (value.isalpha() and value.islower())


def _trie_pattern(values: Iterable[str]) -> str:
    """Return one regular expression that shares the values' beginnings: its time hardly grows with their number."""
    trie: dict[str, Any] = {}
    for value in sorted(values):
        node = trie
        for character in value:
            node = node.setdefault(character, {})
        node[""] = {}
    return _branches(trie)


def _branches(node: dict[str, Any]) -> str:
    """Return the pattern of what follows a node, the longest first."""
    branches = [_run(character, child) for character, child in node.items() if character]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if '' in node else ''}"


def _run(start: str, node: dict[str, Any]) -> str:
    """Return the pattern from one character on; what has no fork is kept as one text."""
    text = start
    while len(node) == 1 and "" not in node:
        ((character, node),) = node.items()
        text += character
    return re.escape(text) + _branches(node)
