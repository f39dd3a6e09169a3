"""Families whose entries are one line each: requirements.txt, go.mod, Gemfile, Gradle, Docker FROM, Actions `uses:`."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatch

from pipeline.fixes.manifests.interface import Entry, on_line

Pattern = Callable[[str], re.Pattern[str]]


class LineFamily:
    """Files of `names` in which a pattern, made for a package's name, finds the version as group `version`."""

    def __init__(self, names: tuple[str, ...], pattern: Pattern) -> None:
        self._names = names
        self._pattern = pattern

    def handles(self, path: str) -> bool:
        """Tell by its name whether a file is of this kind."""
        lowered = path.lower()
        return any(fnmatch(lowered.rpartition("/")[2], name) or fnmatch(lowered, name) for name in self._names)

    def entries(self, lines: tuple[str, ...], name: str) -> list[Entry]:
        """Return the package's entries, top to bottom."""
        pattern = self._pattern(name)
        found = ((number, line, pattern.search(line)) for number, line in enumerate(lines, 1))
        return [on_line(number, line, *match.span("version")) for number, line, match in found if match]


def python_name(name: str) -> str:
    """Return a pattern for all spellings of a Python package's name."""
    return "[-_.]+".join(re.escape(part) for part in re.split(r"[-_.]+", name))


_UPPER = r"(?:(?:<=?|!=)\s*[\w.*!+]+\s*,\s*)*"
"""What may stand ahead of the lower end of a range."""


def _requirement(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"^\s*{python_name(name)}(?:\s*\[[^\]]*\])?\s*\(?{_UPPER}(?:===?|~=|>=)\s*(?P<version>[\w.!+]+)",
        re.IGNORECASE,
    )


def _quoted_requirement(name: str) -> re.Pattern[str]:
    plain = python_name(name)
    return re.compile(
        rf"""^[^#]*?["']{plain}(?:\[[^\]]*\])?\s*\(?{_UPPER}(?:===?|~=|>=)\s*(?P<version>[\w.!+]+)""", re.IGNORECASE
    )


def _keyed_requirement(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"""^\s*["']?{python_name(name)}["']?\s*=\s*(?:\{{.*?version\s*=\s*)?["'](?:===?|~=|>=|\^|~)?\s*(?P<version>\d[\w.!+-]*)""",
        re.IGNORECASE,
    )


def _go_module(name: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*(?:require\s+)?{re.escape(name)}\s+v(?P<version>[\w.+-]+)")


def _go_replaced(name: str) -> re.Pattern[str]:
    plain = re.escape(name)
    return re.compile(rf"^\s*(?:replace\s+)?{plain}(?:\s+v\S+)?\s+=>\s+{plain}\s+v(?P<version>[\w.+-]+)")


def _gem(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"""^\s*gem\s*\(?\s*["']{re.escape(name)}["']\s*,(?:.*,)?\s*["'](?:~>|>=|=)?\s*(?P<version>\d[\w.]*)["']"""
    )


def _locked_gem(name: str) -> re.Pattern[str]:
    return re.compile(rf"^ {{4}}{re.escape(name)} \((?P<version>[\w.]+)\)$")


def _gradle(name: str) -> re.Pattern[str]:
    group, _, artifact = name.partition(":")
    return re.compile(rf"{re.escape(group)}:{re.escape(artifact)}:(?P<version>\d[\w.-]*)")


def _gradle_named(name: str) -> re.Pattern[str]:
    group, _, artifact = name.partition(":")
    return re.compile(
        rf"""group\s*[:=]\s*["']{re.escape(group)}["']\s*,\s*name\s*[:=]\s*["']{re.escape(artifact)}["']\s*,"""
        rf"""\s*version\s*[:=]\s*["'](?P<version>\d[\w.-]*)"""
    )


def _image(name: str) -> re.Pattern[str]:
    plain = re.escape(name.partition(":")[0].removeprefix("docker.io/library/").removeprefix("library/"))
    return re.compile(
        rf"^\s*FROM\s+(?:--\S+\s+)*(?:docker\.io/)?(?:library/)?{plain}:(?P<version>[\w.-]+)(?!\S*@)", re.IGNORECASE
    )


def _action(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"""^\s*(?:-\s+)?uses:\s*["']?{re.escape(name)}(?:/[\w./-]+)?@v?(?P<version>\d[\w.+-]*)["']?(?:\s|$)""",
        re.IGNORECASE,
    )


REQUIREMENTS = LineFamily(
    ("*requirements*.txt", "*requirements*.in", "*constraints*.txt", "requirements/*.txt"), _requirement
)
PYPROJECT = LineFamily(("pyproject.toml", "setup.py", "setup.cfg"), _quoted_requirement)
PYTHON_TABLE = LineFamily(("pyproject.toml", "pipfile", "cargo.toml"), _keyed_requirement)
GRADLE = LineFamily(("*.gradle", "*.gradle.kts", "gradle.lockfile", "*.toml"), _gradle)
GRADLE_NAMED = LineFamily(("*.gradle", "*.gradle.kts"), _gradle_named)
GO = LineFamily(("go.mod",), _go_module)
GO_REPLACED = LineFamily(("go.mod",), _go_replaced)
SETUP = LineFamily(("setup.cfg",), _requirement)
GEMFILE = LineFamily(("gemfile", "*.gemspec"), _gem)
GEMFILE_LOCK = LineFamily(("gemfile.lock",), _locked_gem)
DOCKERFILE = LineFamily(("dockerfile", "containerfile", "dockerfile.*", "*.dockerfile"), _image)
WORKFLOW = LineFamily((".github/workflows/*", "*/.github/workflows/*", "action.yml", "action.yaml"), _action)
