"""Fingerprints: a finding's identity across scans, scanners and report formats.

File findings are first brought together by place, since one tool's SARIF and JSON agree on it
while only one of them may carry the code. The fingerprint then forgets the line: it is made of
rule, path, the flagged code without white space, and a number among equal ones in the file.

A package's finding is made of package, manifest, advisory, and a number among the versions of
that package in that manifest; an image's of image, package, advisory; a URL's of URL, method,
parameter and rule. Among equal ones, when the first is fixed the numbers of the others move up.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from pipeline.findings.identity import Advisories, code_text, subject
from pipeline.findings.versions import order_versions
from pipeline.records import FileLocation, ImageLocation, Origin, PackageLocation
from pipeline.scanners.interface import RawFinding

VERSION = "fixsmith-finding-1"
HEX_DIGITS = 32
Subject = tuple[str, ...]


class Sighting(msgspec.Struct, frozen=True):
    """A normalised finding as one report has it, and the places it was read from."""

    finding: RawFinding
    report: str
    origins: tuple[Origin, ...]


class Weakness(msgspec.Struct, frozen=True):
    """All sightings of one weakness, under its fingerprint."""

    fingerprint: str
    sightings: tuple[Sighting, ...]


def weaknesses(sightings: Iterable[Sighting], advisories: Advisories) -> list[Weakness]:
    """Return the weaknesses behind the sightings, whatever order these come in."""
    by_subject: dict[Subject, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        by_subject[subject(sighting.finding, advisories)].append(sighting)
    _adopt_packages_without_path(by_subject)
    found: dict[str, list[Sighting]] = defaultdict(list)
    for about, group in by_subject.items():
        for identity, members in _identities(about, group):
            found[fingerprint(identity)].extend(members)
    return [Weakness(name, tuple(members)) for name, members in sorted(found.items())]


def fingerprint(identity: Sequence[str]) -> str:
    """Return the digest of an identity: parts can't run into one another."""
    return hashlib.sha256(msgspec.json.encode([VERSION, *identity])).hexdigest()[:HEX_DIGITS]


def _adopt_packages_without_path(by_subject: dict[Subject, list[Sighting]]) -> None:
    """Give a package finding without manifest to the one that names it: same package, same advisory.

    Of several manifests the one with the same version is taken, then the first by name.
    """
    named: dict[Subject, list[Subject]] = defaultdict(list)
    for about in by_subject:
        if about[0] == "package" and about[3]:
            named[(*about[:3], about[4])].append(about)
    for about in [about for about in by_subject if about[0] == "package" and not about[3]]:
        candidates = sorted(named.get((*about[:3], about[4]), ()))
        if candidates:
            versions = _versions(by_subject[about])
            same = [candidate for candidate in candidates if _versions(by_subject[candidate]) & versions]
            by_subject[(same or candidates)[0]].extend(by_subject.pop(about))


def _by_version(group: list[Sighting]) -> list[list[Sighting]]:
    """Return the sightings of each version of a package, ascending: a lock file may hold several.

    The version itself is no part of the identity: an update that doesn't help is no new weakness.
    """
    versions: dict[str, list[Sighting]] = defaultdict(list)
    ecosystem = ""
    for sighting in group:
        location = sighting.finding.location
        ecosystem = location.ecosystem if isinstance(location, PackageLocation) else ecosystem
        version = location.version if isinstance(location, PackageLocation | ImageLocation) else None
        versions[(version or "").strip().lstrip("vV")].append(sighting)
    unknown = versions.pop("", [])
    ordered = [versions[version] for version in order_versions(ecosystem, versions)]
    if unknown:
        ordered = [[*ordered[0], *unknown], *ordered[1:]] if ordered else [unknown]
    return ordered


def _versions(group: list[Sighting]) -> set[str | None]:
    return {s.finding.location.version for s in group if isinstance(s.finding.location, PackageLocation)}


def _identities(about: Subject, group: list[Sighting]) -> Iterable[tuple[Subject, list[Sighting]]]:
    if about[0] != "file":
        for number, members in enumerate(_by_version(group)):
            yield (*about, str(number)), members
        return
    counts: dict[str, int] = defaultdict(int)
    for place in _places(group):
        code = _code_of(place)
        yield (*about, code, str(counts[code])), place
        counts[code] += 1


def _places(group: list[Sighting]) -> list[list[Sighting]]:
    """Return the sightings of each place in a file, in the order of the lines."""
    by_line: dict[int, list[Sighting]] = defaultdict(list)
    for sighting in group:
        by_line[0 if _is_whole_file(sighting) else _location(sighting).start_line or 0].append(sighting)
    return [place for _, line in sorted(by_line.items()) for place in _places_on_line(line)]


def _is_whole_file(sighting: Sighting) -> bool:
    """Tell whether a find is about its file: without a line, or with SARIF's empty first place for it."""
    location = _location(sighting)
    if sighting.finding.snippet or location.start_line not in (None, 1):
        return False
    nothing = location.end_line in (None, 1) and location.end_column in (None, location.start_column)
    return location.start_line is None or (location.start_column == 1 and nothing)


def _places_on_line(line: list[Sighting]) -> list[list[Sighting]]:
    """Tell apart several finds that begin on one line: by column, else by their order in a report."""
    columns: dict[int, list[Sighting]] = defaultdict(list)
    for sighting in line:
        columns[_location(sighting).start_column or 0].append(sighting)
    if 0 not in columns:
        return [members for _, members in sorted(columns.items())]
    reports: dict[str, list[tuple[tuple[int, int, str], Sighting]]] = defaultdict(list)
    for sighting in line:
        reports[sighting.report].append((_rank_key(sighting), sighting))
    ranks: dict[int, list[Sighting]] = defaultdict(list)
    for mine in reports.values():
        order = {key: rank for rank, key in enumerate(sorted({key for key, _ in mine}))}
        for key, sighting in mine:
            ranks[order[key]].append(sighting)
    return [members for _, members in sorted(ranks.items())]


def _rank_key(sighting: Sighting) -> tuple[int, int, str]:
    location = _location(sighting)
    return location.start_column or 0, location.end_line or 0, code_text(sighting.finding)


def _code_of(place: list[Sighting]) -> str:
    """Return the code of a place: the shortest given is the most exact; code before message."""
    texts = {code_text(sighting.finding) for sighting in place}
    return min(texts, key=lambda text: (not text.startswith("code:"), len(text), text))


def _location(sighting: Sighting) -> FileLocation:
    location = sighting.finding.location
    if not isinstance(location, FileLocation):
        raise TypeError("only findings in files have lines")
    return location
