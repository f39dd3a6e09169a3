"""Comparing releases, and choosing the smallest one that fixes: on the same line of releases if it can be."""

from __future__ import annotations

import re
from typing import Any

from univers import versions as univers

_CLASSES: dict[str, Any] = {
    "PyPI": univers.PypiVersion,
    "npm": univers.SemverVersion,
    "Maven": univers.MavenVersion,
    "Go": univers.GolangVersion,
    "crates.io": univers.SemverVersion,
    "RubyGems": univers.RubygemsVersion,
    "Packagist": univers.ComposerVersion,
    "NuGet": univers.NugetVersion,
    "GitHub Actions": univers.SemverVersion,
    "Debian": univers.DebianVersion,
    "Ubuntu": univers.DebianVersion,
    "Alpine": univers.AlpineLinuxVersion,
}


def release(ecosystem: str, version: str) -> Any | None:
    """Return a comparable release, None when the text is no version of the ecosystem."""
    kind = _CLASSES.get(ecosystem.partition(":")[0], univers.SemverVersion)
    try:
        return kind(version.strip().removeprefix("v"))
    except (univers.InvalidVersion, ValueError, TypeError, AttributeError):
        return None


def smallest_fix(ecosystem: str, current: str, fixed: tuple[str, ...]) -> str | None:
    """Return the smallest fixed version above `current`: of the same minor, else major line, else any."""
    now = release(ecosystem, current)
    if now is None:
        return None
    known = ((release(ecosystem, version), version.strip()) for version in fixed)
    above = [(parsed, version) for parsed, version in known if parsed is not None and parsed > now]
    for depth in (2, 1, 0):
        line = [(parsed, version) for parsed, version in above if _line(version, depth) == _line(current, depth)]
        if line:
            smallest = line[0]
            for candidate in line[1:]:
                if candidate[0] < smallest[0]:
                    smallest = candidate
            return smallest[1]
    return None


def _line(version: str, depth: int) -> tuple[str, ...]:
    return tuple(re.split(r"[.+-]", version.removeprefix("v"))[:depth])
