"""The entry of a package in a manifest or lock file, when the report gives the file but no line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.records import PackageLocation
from pipeline.source.interface import SourceTree, Span
from pipeline.source.paths import PathFinder
from pipeline.source.place import Place
from pipeline.source.text import decode, lines_of

_MAX_ENTRY = 12
_POM_BLOCK = re.compile(r"<(?:dependency|plugin|parent|extension|exclusion)>")
_POM_END = re.compile(r"</(?:dependency|plugin|parent|extension|exclusion)>")


_MANIFESTS = {
    "pypi": ("requirements.txt", "poetry.lock", "uv.lock", "Pipfile.lock", "pyproject.toml", "Pipfile"),
    "npm": ("package.json", "package-lock.json", "yarn.lock"),
    "maven": ("pom.xml", "build.gradle", "build.gradle.kts", "gradle.lockfile", "libs.versions.toml"),
    "gem": ("Gemfile", "Gemfile.lock"),
    "rubygems": ("Gemfile", "Gemfile.lock"),
    "go": ("go.mod",),
    "golang": ("go.mod",),
    "cargo": ("Cargo.toml", "Cargo.lock"),
    "composer": ("composer.json", "composer.lock"),
}  # fmt: skip


def find_manifest(tree: SourceTree, finder: PathFinder, location: PackageLocation) -> Place | None:
    """Return the one manifest that names a package whose report names no file; None when several do."""
    for name in _MANIFESTS.get(location.ecosystem.lower(), ()):
        places = []
        for path in finder.named(name):
            content = tree.read(path)
            if content is not None and find_package(lines_of(decode(content)), location.name) is not None:
                places.append(Place(path=path, package=location.name, confidence=0.9))
        if places:
            return places[0] if len(places) == 1 else None
    return None


def find_package(lines: Sequence[str], name: str) -> Span | None:
    """Return the lines of a package's entry, from its name to its version; None when it isn't named.

    Of several mentions an entry's own line is preferred to that of another which needs it:
    `"node_modules/NAME"`, `"NAME": {`, `NAME==`, `group:artifact:`, `name = "NAME"`, `<artifactId>`.
    """
    if ":" in name and (found := _in_pom(lines, *name.rsplit(":", maxsplit=1))) is not None:
        return found
    for pattern in _patterns(name):
        for number, line in enumerate(lines, 1):
            if pattern.search(line):
                return _entry(lines, number)
    return None


def _patterns(name: str) -> Iterator[re.Pattern[str]]:
    quoted = re.escape(name)
    yield re.compile(rf'"node_modules/{quoted}"\s*:')
    yield re.compile(rf'^\s*"{quoted}"\s*:\s*\{{')
    yield re.compile(rf'^(?: {{5,}}|\t{{2,}})"name"\s*:\s*"{quoted}"')  # of a package in a list, not of this one
    yield re.compile(rf'^\s*"{quoted}"\s*:')
    yield re.compile(rf'^\s*"name"\s*:\s*"{quoted}"')
    yield re.compile(rf"^\s*name\s*=\s*[\"']{quoted}[\"']", re.IGNORECASE)
    yield re.compile(rf"^ {{4}}{quoted} \(")
    yield re.compile(rf"^\s*\[+[\w.\"'-]*\.[\"']?{quoted}[\"']?\]")
    yield re.compile(rf"^\s*[\"']?{_normal(name)}\s*(\[[^]]*\])?\s*([=<>!~@;:\s(]|$)", re.IGNORECASE)
    yield re.compile(rf"[\"'(\s]{quoted}[:\"']|^{quoted}[:@ ]")
    if ":" in name:
        yield re.compile(rf"name\s*:\s*[\"']{re.escape(name.rsplit(':', maxsplit=1)[-1])}[\"']")
    yield re.compile(rf"(?<![\w.-]){quoted}(?:\.git)?(?![\w.-])")


def _normal(name: str) -> str:
    """Return a pattern of a Python name, in which `-`, `_` and `.` are one."""
    return "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", name)))


def _entry(lines: Sequence[str], number: int) -> Span:
    """Return the lines from a name to its version."""
    if re.search(r"\d\.\d", lines[number - 1]) and not lines[number - 1].rstrip().endswith((":", "{")):
        return number, number
    for following in range(number + 1, min(number + _MAX_ENTRY, len(lines)) + 1):
        if re.search(r"^\s*\"?version\"?\s*[:=]?\s*[\"']?v?\d", lines[following - 1]):
            return number, following
        if not lines[following - 1].strip() or re.match(r"\s*[}\]]", lines[following - 1]):
            break
    return number, number


def _in_pom(lines: Sequence[str], group: str, artifact: str) -> Span | None:
    """Return the lines of a Maven coordinate, to its version: in that group's block, else in one that names none."""
    named = re.compile(rf"<artifactId>\s*{re.escape(artifact)}\s*</artifactId>")
    others: list[Span] = []
    for number, line in enumerate(lines, 1):
        if not named.search(line):
            continue
        near = range(number, max(0, number - _MAX_ENTRY), -1)
        first = next((n for n in near if _POM_BLOCK.search(lines[n - 1])), None)
        after = range(number, min(number + _MAX_ENTRY, len(lines)) + 1)
        end = next((n for n in after if _POM_END.search(lines[n - 1])), number)
        if first is None or "<exclusion>" in lines[first - 1]:
            continue
        if any(_POM_END.search(lines[n - 1]) for n in range(first, number)):
            continue
        block = lines[first - 1 : end]
        version = next((n for n in range(number, end + 1) if "<version>" in lines[n - 1]), number)
        said = re.search(r"<groupId>\s*([^<\s]+)\s*</groupId>", "\n".join(block))
        if said is not None and said[1] == group:
            return first, max(number, version)
        if said is None or "${" in said[1]:
            others.append((first, max(number, version)))
    return others[0] if others else None
