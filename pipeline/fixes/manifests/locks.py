"""Lock files: entries of Yarn, pnpm and Pipenv, and the checksums that bind an entry to one release."""

from __future__ import annotations

import re

from pipeline.fixes.manifests.interface import Entry, on_line

_LONGEST = 60
_SEAL = re.compile(r"sha\d+[-:][A-Za-z0-9+/=]{20,}|\b[0-9a-f]{32,128}\b|(?<=integrity )\S{20,}|\bh1:\S{20,}")
_ADDRESS = re.compile(r"resolved|\burl\b|tarball|\bfile\s*=|\.tgz|\.whl|\.tar\.gz|\.crate|\.zip")


class YarnLock:
    """yarn.lock, classic and newer: the `version` line below the package's own line."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower() == "yarn.lock"

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        opening = re.compile(rf"^\"?{re.escape(name)}@\S")
        found: list[Entry] = []
        for number, line in enumerate(lines, 1):
            below = lines[number] if number < len(lines) else ""
            match = re.match(r"^\s+version:?\s+\"?(?P<version>[^\"\s]+)", below) if opening.match(line) else None
            if match:
                found.append(on_line(number + 1, below, *match.span("version")))
        return found


class PnpmLock:
    """pnpm-lock.yaml: the key of a package, `/name@version:` or `name@version:`."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower() == "pnpm-lock.yaml"

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        key = re.compile(rf"^\s+['\"]?/?{re.escape(name)}[@/](?P<version>\d[^:'\"(\s]*)(?:\([^:]*\))?['\"]?:")
        found = ((number, line, key.match(line)) for number, line in enumerate(lines, 1))
        return [on_line(number, line, *match.span("version")) for number, line, match in found if match]


class PipfileLock:
    """Pipfile.lock: `"version": "==…"` in the package's object."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower() == "pipfile.lock"

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        opening = re.compile(rf"^\s*\"{re.escape(name)}\"\s*:\s*\{{", re.IGNORECASE)
        found: list[Entry] = []
        for number, line in enumerate(lines, 1):
            if opening.match(line):
                first, last = bounds("pipfile.lock", lines, number + 1)
                for place in range(first, last + 1):
                    match = re.search(r"\"version\"\s*:\s*\"==(?P<version>[^\"]+)", lines[place - 1])
                    found += [on_line(place, lines[place - 1], *match.span("version"))] if match else []
        return found


def is_refilled(path: str) -> bool:
    """Tell whether the package manager fills in a checksum that is left out: npm does."""
    return path.rpartition("/")[2].lower() in ("package-lock.json", "npm-shrinkwrap.json")


def is_lock(path: str) -> bool:
    """Tell by its name whether a file holds exact releases with their addresses."""
    name = path.rpartition("/")[2].lower()
    return name.endswith((".lock", ".lockfile", "-lock.json", "-lock.yaml")) or name == "npm-shrinkwrap.json"


def seals(path: str, lines: tuple[str, ...], entry: Entry) -> frozenset[str]:
    """Return the checksums that stand with an entry: they belong to its release and to no other."""
    first, last = bounds(path, lines, entry.first)
    return frozenset(found for line in lines[first - 1 : last] for found in _SEAL.findall(line))


def addresses(path: str, lines: tuple[str, ...], entry: Entry, version: str) -> bool:
    """Tell whether the address or a file name that stands with an entry names a version."""
    first, last = bounds(path, lines, entry.first)
    named = re.compile(rf"(?<![\d.]){re.escape(version)}(?!\d|\.\d)")
    return any(_ADDRESS.search(line) and named.search(line) for line in lines[first - 1 : last])


def bounds(path: str, lines: tuple[str, ...], number: int) -> tuple[int, int]:
    """Return first and last line of what belongs to the entry at a line, 1-based and inclusive."""
    name = path.rpartition("/")[2].lower()
    if name.endswith((".lock", ".json")) and _is_json(lines):
        return _object(lines, number)
    if name in ("yarn.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "cargo.lock", "pdm.lock"):
        return _paragraph(lines, number)
    last = number
    while last < len(lines) and lines[last - 1].rstrip().endswith("\\"):
        last += 1
    return number, last


def _is_json(lines: tuple[str, ...]) -> bool:
    return next((line for line in lines if line.strip()), "").lstrip().startswith("{")


def _paragraph(lines: tuple[str, ...], number: int) -> tuple[int, int]:
    first = last = number
    while first > 1 and lines[first - 2].strip() and number - first < _LONGEST:
        first -= 1
    while last < len(lines) and lines[last].strip():
        last += 1
    return first, last


def _object(lines: tuple[str, ...], number: int) -> tuple[int, int]:
    """Return the lines of the object that an entry's line opens or stands in."""
    first, depth = number, 0
    if lines[number - 1].rstrip().endswith("{"):
        depth = 1
    while depth < 1 and first > 1:
        first -= 1
        depth += lines[first - 1].count("{") - lines[first - 1].count("}")
    last, depth = first, lines[first - 1].count("{") - lines[first - 1].count("}")
    while depth > 0 and last < len(lines):
        last += 1
        depth += lines[last - 1].count("{") - lines[last - 1].count("}")
    return first, last
