"""Routes of Spring: mapping annotations of methods under those of their class, in Java and Kotlin."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, islice

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, Files, Route, line_at, segments

_MAPPING = re.compile(
    r"@(?:[a-z]\w*\.)*(Get|Post|Put|Delete|Patch|Request)Mapping\b(?:\s*\(((?:[^()\"]|\"[^\"]{0,300}\"|\([^()]{0,300}\)){0,600})\))?"
)
_CLASS = re.compile(r"\b(?:class|interface|record|object)\s+\w+")
_NOT_CODE = re.compile(
    r"(\"\"\"[\s\S]*?(?:\"\"\"|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n]){1,8}')|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)"
)
_OTHER = re.compile(
    r"\b(?:produces|consumes|headers|params|name|method)\s*=\s*(?:\{[^}]*\}|\[[^]]*\]|(?:\"[^\"]*\"|[\w.]+))"
)
_PIECE = re.compile(r"\"([^\"]*)\"|([\w.]+)|\+|,")
_METHOD = re.compile(r"\b(GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS)\b")
_ANNOTATION = re.compile(r"\s*@\w+(?:\s*\((?:[^()]|\([^()]{0,300}\)){0,600}\))?")


def spring_routes(files: Files) -> list[Route]:
    """Return the routes of all controllers."""
    return [
        route
        for path, text in files.ending((".java", ".kt"))
        if "Mapping" in text
        for route in islice(_routes(files, path, without_comments(text)), MAX_ROUTES)
    ]


def without_comments(text: str) -> str:
    """Return Java or Kotlin with comments blank, no annotation in a string, and every line where it was."""
    return _NOT_CODE.sub(
        lambda match: match[1].replace("@", " ") if match[1] else re.sub(r"[^\n]", " ", match[0]), text
    )


def _routes(files: Files, path: str, text: str) -> Iterator[Route]:
    braces = [match.start() for match in re.finditer(r"[{}]", text)]
    depths = [0, *accumulate(1 if text[place] == "{" else -1 for place in braces)]
    places = sorted((match.start(), match) for regex in (_MAPPING, _CLASS) for match in regex.finditer(text))
    classes: list[tuple[int, list[str | None]]] = []
    waiting: list[str | None] = [""]
    for place, match in places:
        depth = depths[bisect_left(braces, place)]
        while classes and classes[-1][0] >= depth:
            classes.pop()
        if match.re is _CLASS:
            classes.append((depth, waiting))
            waiting = [""]
        elif _is_on_class(text, match.end()):
            waiting = _paths(files, match[2] or "")
        else:
            methods = _methods(match)
            line = _declaration(text, match.end())
            for prefix in classes[-1][1] if classes else [""]:
                for pattern in _paths(files, match[2] or ""):
                    if pattern is not None:
                        whole = segments(prefix or "", pattern)
                        known = prefix is not None
                        yield from (Route(one, whole, path, line, "spring", HANDLER, known) for one in methods)


def _methods(match: re.Match[str]) -> list[str | None]:
    if match[1] != "Request":
        return [match[1].upper()]
    given = re.search(r"\bmethod\s*=\s*(\{[^}]*\}|\[[^]]*\]|[\w.]+)", match[2] or "")
    return [*_METHOD.findall(given[1] if given else "")] or [None]


def _paths(files: Files, arguments: str) -> list[str | None]:
    """Return the paths of a mapping: its value or path, not what it consumes or names; None for one not known."""
    paths: list[str | None] = []
    joined = False
    for match in _PIECE.finditer(re.sub(r"\b(?:value|path)\s*=(?!=)", " ", _OTHER.sub("", arguments))):
        if match[0] in "+,":
            joined = match[0] == "+"
            continue
        said = match[1] if match[1] is not None else files.constant(match[2].rpartition(".")[2])
        if joined and paths:
            paths[-1] = None if said is None or paths[-1] is None else paths[-1] + said
        else:
            paths.append(said)
        joined = False
    return paths or [""]


def _is_on_class(text: str, end: int) -> bool:
    following = text[end : end + 600]
    declared = _CLASS.search(following)
    body = re.search(r"\{|\bfun\s|;", re.sub(r"\([^)]*\)", lambda match: " " * len(match[0]), following))
    return declared is not None and (body is None or declared.start() < body.start()) and "(" not in re.sub(
        r"@[\w.]+(?:\s*\([^)]*\))?", "", following[: declared.start()]
    )  # fmt: skip


def _declaration(text: str, end: int) -> int:
    """Return the line of the declaration under a mapping: past further annotations."""
    position = end
    while following := _ANNOTATION.match(text, position):
        position = following.end()
    return line_at(text, position + len(text[position:]) - len(text[position:].lstrip()))
