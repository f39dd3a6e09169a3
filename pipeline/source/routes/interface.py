"""The seam of the route readers: a route, what a reader sees, and how patterns are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

REST = "**"
"""A pattern's segment that stands for any number of segments."""

ANY = "*"
"""A pattern's segment that stands for one segment: a parameter."""

OPTIONAL = "?"
"""A pattern's segment that stands for one segment or, at the end of a path, for none."""

MAX_ROUTES = 2000
"""Routes read of one file."""

HANDLER = 0.95
"""Confidence in a place that is the handler itself."""

REGISTRATION = 0.8
"""Confidence in a place that only names the handler, which wasn't found."""

_PARAMETER = re.compile(r"^(:|<|\{|\[|\(\?P)|[<{].*[>}]|^:\w+|\(\.\*\)|\\[dw]")


@dataclass(frozen=True, slots=True)
class Route:
    """A route: method in capitals (None: any), pattern in segments, and the handler's place.

    `mounted` is False when a prefix may be missing, because what mounts the route wasn't found.
    """

    method: str | None
    pattern: tuple[str, ...]
    path: str
    line: int
    framework: str
    confidence: float = HANDLER
    mounted: bool = True


@dataclass(slots=True)
class Files:
    """The texts route readers look at, by path; `find` tells where a name is defined."""

    texts: Mapping[str, str]
    by_name: dict[str, list[str]] = field(default_factory=dict)
    _constants: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in sorted(self.texts):
            self.by_name.setdefault(path.rpartition("/")[2], []).append(path)

    def ending(self, suffixes: tuple[str, ...]) -> Iterable[tuple[str, str]]:
        """Yield (path, text) of the files with one of the suffixes, in order of path."""
        return ((path, self.texts[path]) for path in sorted(self.texts) if path.endswith(suffixes))

    def ending_with(self, tail: str) -> str | None:
        """Return the first path that is `tail` or ends with it after a `/`."""
        known = self.by_name.get(tail.rpartition("/")[2], [])
        return next((path for path in known if path == tail or path.endswith("/" + tail)), None)

    def constant(self, name: str) -> str | None:
        """Return the text of a constant that has one value in the whole tree, wherever it stands; None otherwise."""
        if name not in self._constants:
            pattern = re.compile(rf"\b{re.escape(name)}\b\s*(?::\s*[\w<>.]+\s*)?[=:]\s*(['\"`])([^'\"`\n]*)\1")
            found = {match[2] for text in self.texts.values() if name in text for match in pattern.finditer(text)}
            self._constants[name] = found.pop() if len(found) == 1 and name else None
        return self._constants[name]

    def definition(self, path: str, *patterns: str) -> int | None:
        """Return the line of the first of the patterns that stands in a file, 1-based."""
        text = self.texts.get(path, "")
        for pattern in patterns:
            if match := re.search(pattern, text, re.MULTILINE):
                return line_at(text, match.start())
        return None


Reader = Callable[[Files], list[Route]]
"""Reads all routes of a framework out of the files."""


def segments(*parts: str) -> tuple[str, ...]:
    """Return a pattern's segments: literals, `*` for parameters, `**` for the rest of a path."""
    joined = "/".join(parts)
    return tuple(_segment(part) for part in joined.strip("^$").split("/") if part and part not in ("^", "$"))


def line_at(text: str, position: int) -> int:
    """Return the 1-based line of a position."""
    return text.count("\n", 0, position) + 1


def _segment(part: str) -> str:
    if part.startswith("*."):
        return ANY
    if part in ("**", "*", "(.*)", ".*") or part.startswith(("{*", "<path:", "*", "{...", "{**")):
        return REST
    if part.endswith((":path}", "...}")):
        return REST
    if re.fullmatch(r":\w+\?|\{\w+\?\}", part):
        return OPTIONAL
    return ANY if _PARAMETER.search(part) else part
