"""The values scanners name as secrets, as one pattern that finds them wherever they stand."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from pipeline.findings.secret_context import is_placeholder

SHORTEST = 5
SHORTEST_LINE = 16


def known_pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds each value, and each form it takes when escaped; None for none.

    Values too short or too common to be told from other text are left to the rules: replacing
    every `test` would destroy the findings and protect nothing.
    """
    forms = {form for value in values for form in _forms(value.strip()) if _is_telling(form)}
    return _compiled(forms) if forms else None


def _compiled(forms: set[str]) -> re.Pattern[str]:
    try:
        return re.compile(_trie_pattern(forms))
    except (RecursionError, OverflowError, re.error):
        # Hundreds of values that each begin with the one before: made up, but it must not fail.
        return re.compile("|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))))


def _forms(value: str) -> set[str]:
    """Return a value as it may stand in JSON, a URL or HTML, and its lines one by one."""
    lines = [line.strip() for line in re.split(r"\\n|\n", value)]
    return {
        value,
        value.replace("\r\n", "\n"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        quote(value),
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
