"""Routes of Spring: mapping annotations of methods under those of their class, in Java and Kotlin."""

from __future__ import annotations

import re

from pipeline.source.routes.interface import HANDLER, Files, Route, line_at, segments

_MAPPING = re.compile(
    r"@(Get|Post|Put|Delete|Patch|Request)Mapping\b(?:\s*\(((?:[^()\"]|\"[^\"]{0,300}\"|\([^()]{0,300}\)){0,600})\))?"
)
_CLASS = re.compile(r"\b(?:class|interface)\s+\w+")
_TEXT = re.compile(r"\"([^\"]*)\"")
_OTHER = re.compile(r"\b(?:produces|consumes|headers|params|name)\s*=\s*(?:\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"|[\w.]+)")
_METHOD = re.compile(r"RequestMethod\.(\w+)")


def spring_routes(files: Files) -> list[Route]:
    """Return the routes of all controllers."""
    routes: list[Route] = []
    for path, text in files.ending((".java", ".kt")):
        if "Mapping" not in text:
            continue
        prefixes = [""]
        for match in _MAPPING.finditer(text):
            arguments = match[2] or ""
            patterns = _paths(arguments)
            if _is_on_class(text, match.end()):
                prefixes = patterns
                continue
            methods = _METHOD.findall(arguments) or [None if match[1] == "Request" else match[1].upper()]
            line = _declaration(text, match.end())
            routes += [
                Route(method, segments(prefix, pattern), path, line, "spring", HANDLER)
                for method in methods
                for prefix in prefixes
                for pattern in patterns
            ]
    return routes


def _paths(arguments: str) -> list[str]:
    """Return the paths of a mapping: its value or path, not what it consumes or names."""
    wanted = _OTHER.sub("", arguments)
    return _TEXT.findall(wanted) or [""]


def _is_on_class(text: str, end: int) -> bool:
    following = text[end : end + 600]
    declared = _CLASS.search(following)
    body = re.search(r"\{|\bfun\s|;", following)
    return declared is not None and (body is None or declared.start() < body.start()) and "(" not in re.sub(
        r"@\w+(?:\s*\([^)]*\))?", "", following[: declared.start()]
    )  # fmt: skip


def _declaration(text: str, end: int) -> int:
    """Return the line of the declaration under a mapping: past further annotations."""
    position = end
    while following := re.compile(r"\s*@\w+(?:\s*\((?:[^()]|\([^()]{0,300}\)){0,600}\))?").match(text, position):
        position = following.end()
    return line_at(text, position + len(text[position:]) - len(text[position:].lstrip()))
