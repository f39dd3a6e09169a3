"""Whole applications with prefixes, constants, wrappers, comments and clients: each URL leads to its handler."""

from __future__ import annotations

from functools import cache
from importlib import import_module

import pytest

from pipeline.source.routes.flask import flask_and_fastapi_routes
from pipeline.source.routes.interface import Files, Route
from pipeline.source.routes.match import match_url
from pipeline.source.routes.patterns import of_regex
from pipeline.source.routes.table import READERS

FRAMEWORKS = ("express", "fastify", "flask", "fastapi", "django", "spring", "ktor", "rails")
APPLICATIONS = {
    (name, number): application
    for name in FRAMEWORKS
    for number, application in enumerate(import_module(f"tests.source.applications.{name}").APPLICATIONS)
}
ASKED = [(key, *asked) for key, (_, listed) in APPLICATIONS.items() for asked in listed]


@cache
def routes(name: str, number: int) -> list[Route]:
    files = Files(APPLICATIONS[name, number][0])
    return [route for reader in READERS for route in reader(files)]


@pytest.mark.parametrize(("key", "method", "url", "expected"), ASKED)
def test_a_url_of_an_application_leads_to_its_handler(
    key: tuple[str, int], method: str, url: str, expected: str | None
) -> None:
    match = match_url(f"https://example.org{url}", method, routes(*key))
    if expected is None:
        assert match is None, match
    else:
        assert match is not None
        shown = APPLICATIONS[key][0][match.route.path].split("\n")[match.route.line - 1 :][:4]
        assert expected in "\n".join(shown), match
        assert match.route.framework.startswith(key[0]) or key[0] in ("express", "fastify", "flask", "fastapi")


@pytest.mark.parametrize(
    "url", ["http://[::1/x", "http://[bad]/hi", "javascript:alert(1)", "", "//", "http://h/\ud800"]
)
def test_what_is_no_url_has_no_route(url: str) -> None:
    assert match_url(url, "GET", routes("flask", 1)) is None


@pytest.mark.parametrize(
    ("expression", "pattern"),
    [
        (r"^y/(?P<year>[0-9]{4})/$", "y/{}/"),
        (r"^users/?$", "users"),
        (r"^sitemap\.xml$", "sitemap.xml"),
        (r"^f/(.+)$", "f/**"),
        (r"\A(?:en|nl)/a-(\d+(?:x(y))?)\Z", "{}/a-{}"),
        (r"^a[/()]+b", "a{}b"),
        ("((([", "{}"),
    ],
)
def test_a_regular_expression_as_a_pattern(expression: str, pattern: str) -> None:
    assert of_regex(expression) == pattern


@pytest.mark.parametrize(
    "broken",
    [
        "print 'two'\n",
        "def f(:\n    pass\n",
        "x = (\n",
        "@app.get('/no')\ndef g():\n",
        "{% if a %}\n",
    ],
)
def test_a_broken_statement_takes_no_other_route_with_it(broken: str) -> None:
    good = "@app.get('/{0}')\ndef {0}():\n    return 1\n\n"
    text = f"from flask import Flask\napp = Flask('x')\n{good.format('a')}{broken}{good.format('b')}"
    found = flask_and_fastapi_routes(Files({"app.py": text}))
    assert {route.pattern for route in found} == {("a",), ("b",)}
    assert all(text.split("\n")[route.line - 1] == f"def {route.pattern[0]}():" for route in found)
