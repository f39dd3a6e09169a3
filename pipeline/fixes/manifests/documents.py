"""Families whose entries stand in a document's structure: JSON manifests, npm's lock, pom.xml, TOML lock files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch

from pipeline.fixes.manifests.interface import Entry, on_line

_LONGEST_ENTRY = 40
_VERSION = re.compile(r'("version"\s*:\s*")([^"]+)(")')
_CHECKSUM = re.compile(r'\s*"(?:integrity|shasum|dist)"\s*:\s*(?:"[^"]*"|\{[^}]*\})\s*,?')


class JsonManifest:
    """package.json, composer.json: `"name": "^1.2.3"`."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower() in ("package.json", "composer.json")

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        pattern = re.compile(rf'"{re.escape(name)}"\s*:\s*"(?P<range>(?:npm:{re.escape(name)}@)?[^":]*)"')
        found = ((number, line, pattern.search(line)) for number, line in enumerate(lines, 1))
        return [entry for number, line, match in found if match for entry in _lower_ends(number, line, match)]


def _lower_ends(number: int, line: str, match: re.Match[str]) -> Iterator[Entry]:
    """Yield an entry for the lower end of each alternative of a range; one without a lower end begins at 0."""
    start = match.start("range")
    for part in match.group("range").split("||"):
        lower = re.match(r"\s*(?:npm:[^\"]*@)?[\^~>=v\s]*(?P<version>\d[^\s|<]*)", part)
        if lower is not None:
            yield on_line(number, line, start + lower.start("version"), start + lower.end("version"))
        elif re.match(r"\s*(?:<|\*|x\b|X\b|$)", part):
            yield Entry(number, number, "0", (line, ""))
        start += len(part) + len("||")


class NpmLock:
    """package-lock.json: the entry's version and its address; the checksum of the old release goes."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower() in ("package-lock.json", "npm-shrinkwrap.json")

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        opening = re.compile(rf'"(?:(?:[^"]*/)?node_modules/)?{re.escape(name)}"\s*:\s*\{{')
        entries = (_block(lines, number) for number, line in enumerate(lines, 1) if opening.search(line))
        return [entry for entry in entries if entry is not None]


def _block(lines: tuple[str, ...], number: int) -> Entry | None:
    """Return the part of an object from its opening line to its version (and address, checksum)."""
    depth = 0
    taken = []
    for line in lines[number - 1 : number - 1 + _LONGEST_ENTRY]:
        taken.append(line)
        depth += line.count("{") - line.count("}")
        if depth <= 0:
            break
    match = _VERSION.search("\n".join(taken))
    if match is None:
        return None
    version = match.group(2)
    last = max(index for index, line in enumerate(taken) if version in line or _CHECKSUM.search(line))
    text = _without_checksum(taken[: last + 1])
    return Entry(number, number + last, version, tuple(_split(text, version)))


def _without_checksum(taken: list[str]) -> str:
    kept = [_CHECKSUM.sub("", line) for line in taken]
    return "\n".join(line for line, before in zip(kept, taken, strict=True) if line.strip() or not before.strip())


def _split(text: str, version: str) -> list[str]:
    return re.split(rf'(?<=["\-]){re.escape(version)}(?="|\.tgz)', text)


class Pom:
    """pom.xml: the version of a dependency, plugin or parent, or the property it names."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        name = path.rpartition("/")[2].lower()
        return name == "pom.xml" or name.endswith(".pom")

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        group, _, artifact = name.partition(":")
        entries = []
        for number, line in enumerate(lines, 1):
            if re.search(rf"<artifactId>\s*{re.escape(artifact or group)}\s*</artifactId>", line):
                entries += self._version_near(lines, number, group if artifact else None)
        return entries

    def _version_near(self, lines: tuple[str, ...], number: int, group: str | None) -> list[Entry]:
        first, last = number, number
        while first > 1 and not re.search(r"<(dependency|plugin|parent|extension)>", lines[first - 1]):
            first -= 1
        while last < len(lines) and not re.search(r"</(dependency|plugin|parent|extension)>", lines[last - 1]):
            last += 1
        block = "\n".join(lines[first - 1 : last])
        if group is not None and not re.search(rf"<groupId>\s*{re.escape(group)}\s*</groupId>", block):
            return []
        for place in range(first, last + 1):
            match = re.search(r"<version>\s*([^<\s]+)\s*</version>", lines[place - 1])
            if match:
                return self._resolved(lines, place, match)
        return []

    def _resolved(self, lines: tuple[str, ...], place: int, match: re.Match[str]) -> list[Entry]:
        named = re.fullmatch(r"\$\{([\w.-]+)\}", match.group(1))
        if named is None:
            return [on_line(place, lines[place - 1], *match.span(1))]
        pattern = re.compile(rf"<{re.escape(named.group(1))}>\s*([^<\s]+)\s*</")
        found = ((number, line, pattern.search(line)) for number, line in enumerate(lines, 1))
        return [on_line(number, line, *hit.span(1)) for number, line, hit in found if hit]


class TomlLock:
    """poetry.lock, uv.lock, Cargo.lock: `name = …` and `version = …` lines of a `[[package]]`."""

    _names = ("poetry.lock", "uv.lock", "cargo.lock", "pdm.lock")

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return any(fnmatch(path.rpartition("/")[2].lower(), name) for name in self._names)

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        wanted = re.sub(r"[-_.]+", "-", name).lower()
        entries = []
        for number, line in enumerate(lines[:-1], 1):
            named = re.fullmatch(r'name = "([^"]+)"\s*', line)
            version = re.fullmatch(r'version = "([^"]+)"\s*', lines[number])
            if named and version and re.sub(r"[-_.]+", "-", named.group(1)).lower() == wanted:
                entries.append(on_line(number + 1, lines[number], *version.span(1)))
        return entries


class ComposerLock:
    """composer.lock: a package's `"name"` line followed by its `"version"` line."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower() == "composer.lock"

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        entries = []
        for number, line in enumerate(lines[:-1], 1):
            version = re.search(r'"version"\s*:\s*"v?([^"]+)"', lines[number])
            if version and re.search(rf'"name"\s*:\s*"{re.escape(name)}"', line):
                entries.append(on_line(number + 1, lines[number], *version.span(1)))
        return entries
