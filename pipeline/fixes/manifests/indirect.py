"""Entries whose version stands elsewhere in the file: version catalogues, Gradle variables, tables of their own."""

from __future__ import annotations

import re

from pipeline.fixes.manifests.interface import Entry, on_line

_VERSION = r"[\"'](?:===?|~=|>=|\^|~|=)?\s*(?P<version>\d[\w.!+-]*)"


class Catalogue:
    """libs.versions.toml: a library's version, or the one of `[versions]` that it refers to."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower().endswith(".versions.toml")

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        group, _, artifact = (re.escape(part) for part in name.partition(":"))
        module = re.compile(
            rf"module\s*=\s*\"{group}:{artifact}\"|group\s*=\s*\"{group}\"\s*,\s*name\s*=\s*\"{artifact}\""
        )
        found: list[Entry] = []
        for number, line in enumerate(lines, 1):
            if module.search(line):
                found += _catalogued(lines, number, line)
        return found


def _catalogued(lines: tuple[str, ...], number: int, line: str) -> list[Entry]:
    named = re.search(r"\bversion\.ref\s*=\s*\"([\w.-]+)\"", line)
    if named is None:
        own = re.search(rf"\bversion\s*=\s*{_VERSION}", line)
        return [on_line(number, line, *own.span("version"))] if own else []
    return _defined(lines, rf"^\s*{re.escape(named.group(1))}\s*=\s*{_VERSION}")


class GradleVariable:
    """build.gradle: a coordinate whose version is a variable of the same file."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.lower().endswith((".gradle", ".gradle.kts"))

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        group, _, artifact = (re.escape(part) for part in name.partition(":"))
        used = re.compile(rf"{group}:{artifact}:\$\{{?(?:\w+\.)?(\w+)\}}?")
        names = {match.group(1) for line in lines if (match := used.search(line))}
        return [
            entry
            for variable in sorted(names)
            for entry in _defined(lines, rf"\b{variable}[\"']?\s*(?:=|,)\s*[\"'](?P<version>\d[\w.+-]*)[\"']")
        ]


class TomlTable:
    """Cargo.toml, pyproject.toml: a table of the package's own, or a renamed one (`package = "…"`)."""

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        return path.rpartition("/")[2].lower() in ("cargo.toml", "pyproject.toml", "pipfile")

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        plain = "[-_.]+".join(re.escape(part) for part in re.split(r"[-_.]+", name))
        table = re.compile(rf"^\s*\[[^\[\]]*dependencies\.[\"']?{plain}[\"']?\]\s*$", re.IGNORECASE)
        found: list[Entry] = []
        inside = False
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith("["):
                inside = table.match(line) is not None
            match = re.match(rf"^\s*version\s*=\s*{_VERSION}", line) if inside else None
            renamed = re.search(rf"package\s*=\s*\"{plain}\"", line)
            match = match or (re.search(rf"\bversion\s*=\s*{_VERSION}", line) if renamed else None)
            if match:
                found.append(on_line(number, line, *match.span("version")))
        return found


def _defined(lines: tuple[str, ...], pattern: str) -> list[Entry]:
    found = ((number, line, re.search(pattern, line)) for number, line in enumerate(lines, 1))
    return [on_line(number, line, *match.span("version")) for number, line, match in found if match]
