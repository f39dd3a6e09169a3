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


def ecosystem_of(finding: Finding) -> str:
    """Return whose rules order the versions; in an image, Java archives are told by their colon."""
    match finding.location:
        case PackageLocation(ecosystem=ecosystem):
            return ecosystem
        case ImageLocation(package=str(package)) if ":" in package:
            return "Maven"
        case _:
            return "Debian"


def _upgrade(finding: Finding) -> Fix | None:
    match finding.location:
        case PackageLocation(name=name, version=str(version), path=path):
            where = path or name
        case ImageLocation(image=image, package=str(name), version=str(version), path=path):
            where = path or image
        case _:
            return None
    fixed = smallest_fix(ecosystem_of(finding), version, finding.hints.fixed_versions)
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
