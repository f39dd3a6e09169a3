"""Routes of Ktor: `get("/x") { … }` inside `route("/api") { … }`, by the nesting of braces."""

from __future__ import annotations

import re

from pipeline.source.routes.interface import HANDLER, Files, Route, line_at, segments

_TOKEN = re.compile(
    r"\"\"\".{0,4000}?\"\"\"|\"(?:\\.|[^\"\\\n]){0,1000}\"|//[^\n]*|/\*.{0,4000}?\*/|[{}]"
    r"|\b(?P<call>route|get|post|put|delete|patch|head|options|webSocket)\s*(?:<[^>]{0,100}>)?\s{0,50}"
    r"(?:\(\s*(?:path\s*=\s*)?\"(?P<path>[^\"\n]{0,300})\"[^)]{0,200}\))?\s{0,50}(?=\{)",
    re.DOTALL,
)
_OPENED = re.compile(r"fun\s+Route\.\w+\s*\([^)]{0,200}\)\s*(?::\s*\w+\s*)?(?:=\s*\w+\s*)?\{")


def ktor_routes(files: Files) -> list[Route]:
    """Return the routes of all Kotlin files that use Ktor's routing."""
    return [
        route
        for path, text in files.ending((".kt", ".kts"))
        if "ktor" in text or "routing" in text or "Route." in text
        for route in _routes(path, text)
    ]


def _routes(path: str, text: str) -> list[Route]:
    routes: list[Route] = []
    prefixes: list[str] = []
    waiting = ""
    loose = [match.start() for match in _OPENED.finditer(text)]
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "{":  # noqa: S105 - a brace
            prefixes.append(waiting)
            waiting = ""
        elif token == "}":  # noqa: S105 - a brace
            if prefixes:
                prefixes.pop()
        elif call := match["call"]:
            waiting = match["path"] or ""
            if call == "route":
                continue
            method = "GET" if call == "webSocket" else call.upper()
            pattern = segments(*prefixes, waiting)
            mounted = not loose or match.start() < loose[0] or "routing" in text
            routes.append(Route(method, pattern, path, line_at(text, match.start()), "ktor", HANDLER, mounted))
    return routes
