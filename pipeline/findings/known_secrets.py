"""The values scanners name as secrets, found wherever they stand."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from pipeline.findings.secret_context import is_placeholder
from pipeline.findings.text import clean

SHORTEST = 5
SHORTEST_LINE = 16
SURROGATE = re.compile("[\ud800-\udfff]")


class KnownSecrets:
    """The reported values, and each form they take when escaped, found in one pass over a text.

    Values too short or too common to be told from other text are left to the rules: replacing
    every `test` would destroy the findings and protect nothing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        telling = {value.strip() for value in values if _is_telling(value.strip())}
        forms = {form for value in telling for form in _forms(value) if len(form) >= SHORTEST}
        readable = sorted(form for form in forms if not SURROGATE.search(form))
        self._forms = _automaton(readable) if readable else None

    def __bool__(self) -> bool:
        return self._forms is not None

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a value stands, the longest at each place."""
        if self._forms is not None:
            for _, start, end in self._forms.find_matches_as_indexes(SURROGATE.sub("?", text)):
                yield start, end


def _automaton(forms: list[str]) -> AhoCorasick:
    """Return what finds the forms. A DFA, the default for few, takes time by the square of their length."""
    return AhoCorasick(forms, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA)


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
