"""Routes of Ktor: `get("/x") { … }` inside `route("/api") { … }`, by the nesting of braces, also through functions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, Files, Route, line_at, segments

_TOKEN = re.compile(
    r"\"\"\".{0,4000}?\"\"\"|\"(?:\\.|[^\"\\\n]){0,1000}\"|'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.{0,4000}?\*/|[{}]"
    r"|\bfun\s+Rout(?:e|ing)\s*\.\s*(?P<function>\w+)"
    r"|(?<![\w.])(?P<call>route|get|post|put|delete|patch|head|options|webSocket|handle)\s*(?P<typed><[^>\n]{0,100}>)?\s{0,50}"
    r"(?:\(\s*(?:path\s*=\s*)?\"(?P<path>[^\"\n]{0,300})\"[^)]{0,200}\))?\s{0,50}(?=\{)"
    r"|\bmethod\s*\(\s*HttpMethod\.(?P<verb>\w+)\s*\)\s*(?=\{)"
    r"|(?<![\w.])(?P<named>\w+)\s*\(",
    re.DOTALL,
)
_FUNCTION = re.compile(r"\bfun\s+Rout(?:e|ing)\s*\.\s*(\w+)")
_VERB = re.compile(r"HttpMethod\.(\w+)")
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Level:
    """An open brace: what it adds to the path, the method it is for, and the name of the function that it begins."""

    prefix: str = ""
    method: str | None = None
    function: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A route as it stands: in which function of `Route`, if in one, and its path from there."""

    method: str | None
    function: str
    pattern: str
    path: str
    line: int


def ktor_routes(files: Files) -> list[Route]:
    """Return the routes of all Kotlin files that use Ktor's routing."""
    return list(_Reader(files).read())


class _Reader:
    def __init__(self, files: Files) -> None:
        self._texts = {
            path: text for path, text in files.ending((".kt", ".kts"))
            if "ktor" in text or "routing" in text or "Route." in text
        }  # fmt: skip
        self._functions = {name for text in self._texts.values() for name in _FUNCTION.findall(text)}
        self._calls: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def read(self) -> Iterator[Route]:
        found = [one for path, text in self._texts.items() for one in islice(self._scan(path, text), MAX_ROUTES)]
        for one in found:
            for prefix, known in self._prefixes(one.function):
                pattern = segments(prefix, one.pattern)
                yield Route(one.method, pattern, one.path, one.line, "ktor", HANDLER, known)

    def _scan(self, path: str, text: str) -> Iterator[Found]:
        levels: list[Level] = []
        waiting = Level()
        for match in _TOKEN.finditer(text):
            if match[0] == "{":
                levels.append(waiting)
                waiting = Level()
            elif match[0] == "}":
                levels = levels[:-1]
            elif match["function"]:
                waiting = Level(function=match["function"])
            elif match["call"] and not (match["typed"] and match["path"] is None):
                verb = _VERB.search(match[0]) if match["call"] == "route" else None
                waiting = Level(prefix=match["path"] or "", method=verb[1].upper() if verb else None)
                if match["call"] != "route":
                    given = next((level.method for level in reversed(levels) if level.method), None)
                    method = {"webSocket": "GET", "handle": given}.get(match["call"], match["call"].upper())
                    function, prefix = _here(levels)
                    yield Found(method, function, f"{prefix}/{waiting.prefix}", path, line_at(text, match.start()))
            elif match["verb"]:
                waiting = Level(method=match["verb"].upper())
            elif match["named"] in self._functions and len(self._calls[match["named"]]) < MAX_ROUTES:
                self._calls[match["named"]].append(_here(levels))

    def _prefixes(self, function: str, depth: int = 0) -> list[tuple[str, bool]]:
        """Return the prefixes that a function's routes are under: of the places where it is called."""
        if not function:
            return [("", True)]
        calls = self._calls.get(function, []) if depth < _MAX_DEPTH else []
        found = [
            (f"{before}/{prefix}", known)
            for outer, prefix in dict.fromkeys(calls)
            for before, known in self._prefixes(outer, depth + 1)
        ]
        return found[:MAX_ROUTES] or [("", False)]


def _here(levels: list[Level]) -> tuple[str, str]:
    """Return the function that is open, and the path since it began."""
    start = max((index for index, level in enumerate(levels) if level.function), default=-1)
    return (levels[start].function if start >= 0 else ""), "/".join(level.prefix for level in levels[start + 1 :])
