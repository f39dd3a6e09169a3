"""All routes of a tree: the readers of the frameworks, in order."""

from __future__ import annotations

import re

from pipeline.source.interface import SourceTree
from pipeline.source.routes.django import django_routes
from pipeline.source.routes.flask import flask_and_fastapi_routes
from pipeline.source.routes.interface import Files, Reader, Route
from pipeline.source.routes.javascript import javascript_routes
from pipeline.source.routes.ktor import ktor_routes
from pipeline.source.routes.rails import rails_routes
from pipeline.source.routes.spring import spring_routes
from pipeline.source.text import absence_of_text, decode, is_vendored

READERS: tuple[Reader, ...] = (
    javascript_routes,
    flask_and_fastapi_routes,
    django_routes,
    spring_routes,
    ktor_routes,
    rails_routes,
)
MAX_FILES = 20_000
MAX_CHARACTERS = 100_000
MAX_LINE = 1000
"""Longer lines are no routes; they are left empty, so that the numbers of the others stay."""

_SUFFIX = re.compile(r"\.(py|[cm]?[jt]s|java|kts?|rb)$")
_TEST = re.compile(r"(^|/)(tests?|__tests__|spec|e2e|cypress)/|\.(test|spec)\.[jt]s$|(^|/)test_[^/]*\.py$")


def routes_of(tree: SourceTree) -> list[Route]:
    """Return the routes of a tree; tests and other people's code are left out."""
    texts: dict[str, str] = {}
    for path in tree.files():
        if len(texts) >= MAX_FILES:
            break
        if _SUFFIX.search(path) and not is_vendored(path) and not _TEST.search(path):
            content = tree.read(path)
            if content is not None and absence_of_text(content) is None:
                texts[path] = readable(decode(content))
    files = Files(texts)
    return [route for reader in READERS for route in reader(files)]


def readable(text: str) -> str:
    """Return what the readers get of a file: bounded, so that no text makes them slow."""
    return "\n".join(line if len(line) <= MAX_LINE else "" for line in text[:MAX_CHARACTERS].split("\n"))
