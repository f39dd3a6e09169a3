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
    return re.compile(_trie_pattern(forms)) if forms else None


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
    """Return the pattern of a node, longest first; runs without a fork are kept as one text."""
    branches = []
    for character, child in node.items():
        if character == "":
            continue
        run = character
        while len(child) == 1 and "" not in child:
            (following, child), *_ = child.items()
            run += following
        branches.append(re.escape(run) + (_branches(child) if any(child) else ""))
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if '' in node else ''}"
