"""The entry of a package in a manifest or lock file, when the report gives the file but no line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.source.interface import Span

_MAX_ENTRY = 12


def find_package(lines: Sequence[str], name: str) -> Span | None:
    """Return the lines of a package's entry, from its name to its version; None when it isn't named.

    Of several mentions an entry's own line is preferred: `"node_modules/NAME"`, `NAME==`,
    `group:artifact:`, `name = "NAME"`, `<artifactId>`.
    """
    for pattern in _patterns(name):
        for number, line in enumerate(lines, 1):
            if pattern.search(line):
                return _entry(lines, number)
    return None


def _patterns(name: str) -> Iterator[re.Pattern[str]]:
    quoted = re.escape(name)
    yield re.compile(rf'"node_modules/{quoted}"\s*:')
    yield re.compile(rf'^\s*"{quoted}"\s*:')
    yield re.compile(rf"^\s*name\s*=\s*[\"']{quoted}[\"']", re.IGNORECASE)
    yield re.compile(rf'^\s*"name"\s*:\s*"{quoted}"')
    yield re.compile(rf"^\s*[\"']?{_normal(name)}\s*(\[[^]]*\])?\s*([=<>!~@;:\s(]|$)", re.IGNORECASE)
    yield re.compile(rf"[\"'(\s]{quoted}[:\"']|^{quoted}[:@ ]")
    if ":" in name:
        yield re.compile(rf"<artifactId>\s*{re.escape(name.rsplit(':', maxsplit=1)[-1])}\s*</artifactId>")
        yield re.compile(rf"name\s*:\s*[\"']{re.escape(name.rsplit(':', maxsplit=1)[-1])}[\"']")
    yield re.compile(rf"(?<![\w.-]){quoted}(?![\w.-])")


def _normal(name: str) -> str:
    """Return a pattern of a Python name, in which `-`, `_` and `.` are one."""
    return "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", name)))


def _entry(lines: Sequence[str], number: int) -> Span:
    """Return the lines from a name to its version: a whole `<dependency>`, or up to the line with `version`."""
    if "<artifactId>" in lines[number - 1]:
        first = _back_to(lines, number, "<dependency>")
        last = next((n for n in range(number, min(number + 6, len(lines)) + 1) if "<version>" in lines[n - 1]), number)
        return first, last
    if re.search(r"\d\.\d", lines[number - 1]):
        return number, number
    for following in range(number + 1, min(number + _MAX_ENTRY, len(lines)) + 1):
        if re.search(r"^\s*\"?version\"?\s*[:=]?\s*[\"']?v?\d", lines[following - 1]):
            return number, following
        if not lines[following - 1].strip() or re.match(r"\s*[}\]]", lines[following - 1]):
            break
    return number, number


def _back_to(lines: Sequence[str], number: int, mark: str) -> int:
    return next((n for n in range(number, max(0, number - 4), -1) if mark in lines[n - 1]), number)
