"""Versions in the order of their own ecosystem, and the smallest one that fixes.

Order is by `packaging` (PyPI) and `univers` (the others), never by text. A version an
ecosystem's rules don't understand has no order: it is never proposed as a fix.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from packageurl import PackageURL
from packaging.utils import canonicalize_name

PURL_TYPES = {
    "pypi": "pypi", "npm": "npm", "maven": "maven", "go": "golang", "golang": "golang", "crates.io": "cargo",
    "cargo": "cargo", "rubygems": "gem", "gem": "gem", "nuget": "nuget", "packagist": "composer",
    "composer": "composer", "hex": "hex", "pub": "pub", "github actions": "githubactions",
    "githubactions": "githubactions", "swifturl": "swift", "cocoapods": "cocoapods", "conancenter": "conan",
    "debian": "deb", "ubuntu": "deb", "deb": "deb", "alpine": "apk", "apk": "apk", "wolfi": "apk",
    "chainguard": "apk", "red hat": "rpm", "rocky linux": "rpm", "almalinux": "rpm", "amazon linux": "rpm",
    "oracle linux": "rpm", "opensuse": "rpm", "suse": "rpm", "photon os": "rpm", "azure linux": "rpm",
    "centos": "rpm", "fedora": "rpm", "rpm": "rpm", "conda": "conda", "arch linux": "alpm", "bitnami": "bitnami",
    "swift": "swift", "python": "pypi", "pip": "pypi", "node": "npm", "java": "maven",
}  # fmt: skip
"""Package URL type of each ecosystem, by OSV's name in lower case (without a release after `:`)."""

_FOLDED_TYPES = frozenset(
    {"npm", "composer", "githubactions", "nuget", "gem", "cargo", "hex", "pub", "deb", "apk", "rpm"}
)
_CLASSES = {
    "npm": "SemverVersion", "cargo": "SemverVersion", "hex": "SemverVersion", "pub": "SemverVersion",
    "swift": "SemverVersion", "cocoapods": "SemverVersion", "githubactions": "SemverVersion",
    "maven": "MavenVersion", "golang": "GolangVersion", "gem": "RubygemsVersion", "nuget": "NugetVersion",
    "composer": "ComposerVersion", "deb": "DebianVersion", "apk": "AlpineLinuxVersion", "rpm": "RpmVersion",
    "conan": "ConanVersion", "alpm": "ArchLinuxVersion", "pypi": "PypiVersion", "conda": "PypiVersion",
    "bitnami": "SemverVersion",
}  # fmt: skip
_SYSTEM_TYPES = frozenset({"deb", "apk", "rpm", "alpm"})
_PRE_RELEASE = re.compile(
    r"(?i)(?:^|[\d.\-_+])(?:alpha|beta|rc|cr|m(?=\d)|milestone|pre(?:view)?|dev|snapshot|nightly|canary|[ab](?=\d))"
)


def purl_type(ecosystem: str) -> str:
    """Return the package URL type of an ecosystem, `generic` for one we don't know."""
    return PURL_TYPES.get(ecosystem.partition(":")[0].strip().lower(), "generic")


def package_key(ecosystem: str, name: str) -> tuple[str, str]:
    """Return what a package is known by across tools: its type and its name in the type's spelling."""
    kind = purl_type(ecosystem)
    if kind == "pypi":
        return kind, canonicalize_name(name)
    if kind == "maven":
        return kind, name.replace("/", ":")
    return (kind if kind != "generic" else ecosystem.lower()), name.lower() if kind in _FOLDED_TYPES else name


def package_url(ecosystem: str, name: str, version: str | None = None) -> str | None:
    """Return the package URL, None for an ecosystem without a type or a name that fits none."""
    kind = purl_type(ecosystem)
    if kind == "generic":
        return None
    namespace, _, base = _spelled(kind, name).rpartition("/")
    if kind in _SYSTEM_TYPES:
        namespace = ecosystem.partition(":")[0].strip().lower().replace(" ", "")
    try:
        return PackageURL(kind, namespace or None, base, version).to_string()
    except ValueError:
        return None


def _spelled(kind: str, name: str) -> str:
    if kind == "maven":
        return name.replace(":", "/", 1)
    return canonicalize_name(name) if kind == "pypi" else name


@functools.lru_cache(maxsize=20_000)
def parse_version(ecosystem: str, text: str) -> Any | None:
    """Return a version that compares by its ecosystem's rules, None when it isn't one."""
    name = _CLASSES.get(purl_type(ecosystem))
    if name is None or not text.strip() or len(text) > 200:
        return None
    import univers.versions
    from univers.nuget import InvalidNuGetVersion

    try:
        version = getattr(univers.versions, name)(text.strip())
        sorted((version, version))  # some classes only fail when they compare
    except (InvalidNuGetVersion, ValueError, TypeError, AttributeError, IndexError, NotImplementedError):
        return None
    return version


def order_versions(ecosystem: str, versions: Iterable[str]) -> list[str]:
    """Return versions in ascending order; those without an order come last, by text."""
    known: list[str] = []
    unknown: list[str] = []
    for text in sorted(set(versions)):
        (known if parse_version(ecosystem, text) is not None else unknown).append(text)
    ordering = functools.cmp_to_key(functools.partial(_compare, ecosystem))
    return sorted(known, key=ordering) + unknown


def smallest_fix(ecosystem: str, current: str | None, candidates: Iterable[str]) -> str | None:
    """Return the smallest candidate above `current`, of its own release line if there is one.

    The line is as narrow as possible: same major.minor, else same major, else any. A
    pre-release is only proposed to someone on one, or when nothing else fixes. Without a
    current version that can be compared, nothing is proposed unless there is one candidate.
    """
    ordered = [text for text in order_versions(ecosystem, candidates) if parse_version(ecosystem, text) is not None]
    if current is None or parse_version(ecosystem, current) is None:
        return ordered[0] if len(ordered) == 1 else None
    above = [text for text in ordered if _compare(ecosystem, text, current) > 0]
    stable = [text for text in above if not is_pre_release(text)]
    if stable and not is_pre_release(current):
        above = stable
    for width in (2, 1):
        same = [text for text in above if release(text)[:width] == release(current)[:width]]
        if same and len(release(current)) >= width:
            return same[0]
    return above[0] if above else None


def is_pre_release(text: str) -> bool:
    """Tell whether a version calls itself a preview: alpha, beta, rc, snapshot and so on."""
    return _PRE_RELEASE.search(text) is not None


def release(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, without epoch and `v`: 1:2.3-4 gives (2, 3)."""
    match = re.match(r"^[vV]?(?:\d+[:!])?(\d+(?:\.\d+)*)", text.strip())
    if match is None:
        return ()
    numbers = tuple(int(number) for number in match[1].split("."))
    return numbers if len(numbers) > 1 else (*numbers, 0)


def _compare(ecosystem: str, first: str, second: str) -> int:
    left, right = parse_version(ecosystem, first), parse_version(ecosystem, second)
    if left is None or right is None:
        return (first > second) - (first < second)
    try:
        return -1 if left < right else int(right < left)
    except TypeError:
        return (first > second) - (first < second)
