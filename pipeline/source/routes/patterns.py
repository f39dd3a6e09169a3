"""Regular expressions of routes as plain patterns: `^y/(?P<year>[0-9]{4})/?$` is `y/{}/`, `^f/(.+)$` is `f/**`."""

from __future__ import annotations

import re

PARAMETER = "{}"
REST = "**"
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[?+]?")
_ANYTHING = re.compile(r"\.[*+]")
_SET = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


def of_regex(expression: str) -> str:
    """Return a regular expression with `{}` for what varies and `**` for what may hold slashes."""
    said: list[str] = []
    place = 0
    while place < len(expression):
        piece, place = _piece(expression, place)
        if piece and (varies := _QUANTIFIER.match(expression, place)):
            place = varies.end()
            if piece not in (PARAMETER, REST):
                piece = "" if piece == "/" else PARAMETER
        if not (piece == PARAMETER and said and said[-1] == PARAMETER):
            said.append(piece)
    return "".join(said)


def _piece(expression: str, place: int) -> tuple[str, int]:
    """Return what one piece of an expression says, and where the next begins."""
    character = expression[place]
    if character in "^$":
        return "", place + 1
    if character == "\\" and place + 1 < len(expression):
        escaped = expression[place + 1]
        return PARAMETER if escaped in "dwsDWS" else "" if escaped in "AZzbB" else escaped, place + 2
    if character == "(":
        end = _closing(expression, place)
        return REST if _ANYTHING.search(expression, place, end) else PARAMETER, end
    if character == "[" and (found := _SET.match(expression, place)):
        return PARAMETER, found.end()
    if character == ".":
        found = _ANYTHING.match(expression, place)
        return (REST, found.end()) if found else (PARAMETER, place + 1)
    return character, place + 1


def _closing(expression: str, start: int) -> int:
    """Return the place after the parenthesis that closes the one at `start`."""
    depth, place = 0, start
    while place < len(expression):
        found = _SET.match(expression, place) if expression[place] == "[" else None
        depth += (expression[place] == "(") - (expression[place] == ")")
        place = found.end() if found else place + 1 + (expression[place] == "\\")
        if depth == 0:
            break
    return min(place, len(expression))
