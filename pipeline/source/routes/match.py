"""Which route answers a URL, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pipeline.source.routes.interface import ANY, OPTIONAL, REST, Route

_FORMAT = re.compile(r"\.(?:json|xml|html|js|csv|pdf|txt)$")
"""What Rails takes off the end of any path."""

LEAST = 0.3
"""Matches less sure than this are none."""

UNKNOWN_METHOD = 0.9
ANY_METHOD = 0.97
MISSING_PREFIX = 0.55
"""The URL's first segments belong to no pattern: a prefix set somewhere else."""

AMBIGUOUS = 0.7
"""Another route in another place is as good."""


@dataclass(frozen=True, slots=True)
class Match:
    """The route that answers a URL best, and a confidence from 0 to 1."""

    route: Route
    confidence: float


def match_url(url: str, method: str | None, routes: Iterable[Route]) -> Match | None:
    """Return the route that answers a URL best; None when none does by at least `LEAST`."""
    try:
        whole = urlsplit(url).path
    except ValueError:  # no URL at all
        return None
    path = tuple(unquote(part.partition(";")[0]) for part in whole.split("/") if part)
    rated = [(confidence, route) for route in routes if (confidence := _confidence(path, method, route)) >= LEAST]
    if not rated:
        return None
    rated.sort(key=lambda pair: (-pair[0], pair[1].path, pair[1].line))
    best, route = rated[0]
    others = {(other.path, other.line) for confidence, other in rated if confidence == best}
    confidence = best if len(others) == 1 else best * AMBIGUOUS
    return Match(route, round(confidence, 3)) if confidence >= LEAST else None


def _confidence(path: tuple[str, ...], method: str | None, route: Route) -> float:
    if method is not None and route.method is not None and method.upper() != route.method:
        if not (method.upper() == "HEAD" and route.method == "GET"):
            return 0.0
        method = None
    certainty = route.confidence * _fit(path, route)
    if method is None:
        return certainty * UNKNOWN_METHOD
    return certainty * (ANY_METHOD if route.method is None else 1.0)


def _fit(path: tuple[str, ...], route: Route) -> float:
    """Return how well a pattern fits: literals tell, parameters tell less, a missing prefix costs."""
    whole = _literals(path, route.pattern)
    if whole is None and route.framework == "rails" and path:
        whole = _literals((*path[:-1], _FORMAT.sub("", path[-1])), route.pattern)
    if whole is None and route.framework == "express":  # takes capitals for small letters
        whole = _literals(tuple(part.lower() for part in path), tuple(part.lower() for part in route.pattern))
    if whole is not None:
        share = 1.0 if not route.pattern else whole / len(route.pattern)
        return 0.6 + 0.4 * share
    for start in range(1, len(path)):
        rest = _literals(path[start:], route.pattern)
        if rest:
            return (0.6 + 0.4 * rest / len(route.pattern)) * (MISSING_PREFIX if route.mounted else MISSING_PREFIX + 0.2)
    return 0.0


def _literals(path: tuple[str, ...], pattern: tuple[str, ...]) -> int | None:
    """Return how many literal segments of a pattern a path has; None when it doesn't fit."""
    count = 0
    for place, segment in enumerate(pattern):
        if segment == REST:
            return count
        if place >= len(path):
            return count if segment == OPTIONAL else None
        if segment not in (ANY, OPTIONAL, path[place]):
            return None
        count += segment == path[place]
    return count if len(path) == len(pattern) else None
