"""Upgrades where only the report is known: the package's coordinate, with the smallest fixed version.

Without the source there is no manifest line to rewrite, but the report itself names package,
version and fixed versions. The fix is of that coordinate, `name:version`, as one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.findings.versions import smallest_fix
from pipeline.records import Finding, Fix, FixSource, ImageLocation, PackageLocation


def coordinates(findings: Iterable[Finding]) -> Iterator[Fix]:
    """Yield an upgrade per finding whose report names the version and one that fixes it."""
    for finding in findings:
        fix = _upgrade(finding)
        if fix is not None:
            yield fix


def _upgrade(finding: Finding) -> Fix | None:
    match finding.location:
        case PackageLocation(ecosystem=ecosystem, name=name, version=str(version), path=path):
            where = path or name
        case ImageLocation(image=image, package=str(name), version=str(version), path=path):
            ecosystem, where = _ecosystem(finding), path or image
        case _:
            return None
    fixed = smallest_fix(ecosystem, version, finding.hints.fixed_versions)
    if fixed is None or fixed == version:
        return None
    return Fix(
        fingerprint=finding.fingerprint,
        source=FixSource.ADVISORY,
        path=where,
        start_line=1,
        end_line=1,
        before=f"{name}:{version}",
        replacement=f"{name}:{fixed}",
        note=f"{finding.rule.id} is fixed in {fixed}, the nearest fixed version after {version}.",
    )


def _ecosystem(finding: Finding) -> str:
    """Return the version scheme of an image's package; Java archives say so by their colon."""
    location = finding.location
    package = location.package if isinstance(location, ImageLocation) else None
    return "Maven" if package and ":" in package else "Debian"
