"""Grype: its JSON and its SARIF; images and folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from packageurl import PackageURL

from pipeline.records import Domain, Hints, ImageLocation, Location, PackageLocation, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.cwe import cwe_numbers
from pipeline.scanners.document import Said, each, elements, load
from pipeline.scanners.ecosystems import ecosystem
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import ABSOLUTE, Place, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, named_severity, score_of, text_of

_FIELD = re.compile(r"^(Vulnerability|Severity|Package|Version|Fix Version|Type|Location):?[ \t]+(.*)$", re.MULTILINE)
_IN_IMAGE = re.compile(r" was found in image (.{1,500}?) at: ")


class _Metrics(msgspec.Struct, frozen=True):
    base_score: float | None = msgspec.field(name="baseScore", default=None)


class _Cvss(msgspec.Struct, frozen=True):
    version: str | None = None
    metrics: _Metrics | None = None


class _Fix(msgspec.Struct, frozen=True):
    versions: list[str] | None = None


class _Cwe(msgspec.Struct, frozen=True):
    cwe: str | None = None


class _Vulnerability(msgspec.Struct, frozen=True):
    id: str
    severity: str | None = None
    description: str | None = None
    data_source: str | None = msgspec.field(name="dataSource", default=None)
    cvss: list[_Cvss] | None = None
    fix: _Fix | None = None
    fixed_in: str | None = msgspec.field(name="fixedInVersion", default=None)
    cwes: list[_Cwe] | None = None


class _Path(msgspec.Struct, frozen=True):
    path: str = ""


class _Artifact(msgspec.Struct, frozen=True):
    name: str
    version: str | None = None
    type: str | None = None
    locations: list[_Path | str] | None = None
    purl: str | None = None


class _Match(msgspec.Struct, frozen=True):
    vulnerability: _Vulnerability
    artifact: _Artifact
    related: list[_Vulnerability] | None = msgspec.field(name="relatedVulnerabilities", default=None)


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    target: Any = None


class _Descriptor(msgspec.Struct, frozen=True):
    version: str | None = None


class _Log(msgspec.Struct, frozen=True):
    matches: list[msgspec.Raw] | None = None
    ignored: list[msgspec.Raw] | None = msgspec.field(name="ignoredMatches", default=None)
    source: _Source | None = None
    descriptor: _Descriptor | None = None


def _finding(match: _Match, pointer: str, scanner: Scanner, image: str | None) -> RawFinding:
    found, related = match.vulnerability, match.related or []
    score = _score(found, *related)
    known = (severity.from_word("grype", found.severity), severity.from_score(score))
    location, flags = _location(match.artifact, image)
    text = found.description or next((other.description for other in related if other.description), None)
    cwes = [cwe.cwe for one in (found, *related) for cwe in one.cwes or []]
    return RawFinding(
        scanner=scanner,
        rule=Rule(id=found.id, help=text, cwes=cwe_numbers(*cwes), help_uri=found.data_source),
        severity=severity.first(*known),
        domain=domain.of_package(image is not None),
        location=location,
        message=text or found.id,
        pointer=pointer,
        cvss=score,
        aliases=tuple(dict.fromkeys(other.id for other in related if other.id != found.id)),
        hints=Hints(fixed_versions=_fixed(found)),
        flags=(*flags, *severity.flags_for(*known)),
    )


def _ignored(match: _Match, pointer: str, scanner: Scanner, image: str | None) -> RawFinding:
    """Keep what the user's rules or a VEX document set aside, flagged."""
    finding = _finding(match, pointer, scanner, image)
    return msgspec.structs.replace(finding, flags=(*finding.flags, "suppressed"))


def _score(*vulnerabilities: _Vulnerability) -> float | None:
    """Take the newest CVSS version's score of the first vulnerability that has any."""
    for vulnerability in vulnerabilities:
        scores = [(cvss.version or "", cvss.metrics.base_score) for cvss in vulnerability.cvss or [] if cvss.metrics]
        known = [(version, score) for version, score in scores if score is not None and 0 < score <= 10]
        if known:
            return max(known)[1]
    return None


def _fixed(found: _Vulnerability) -> tuple[str, ...]:
    """Return the versions that fix; the first releases named one."""
    listed = (found.fix.versions if found.fix else None) or ()
    return tuple(listed) if listed or not found.fixed_in else (found.fixed_in,)


def _location(artifact: _Artifact, image: str | None) -> tuple[Location, tuple[str, ...]]:
    path = next((place if isinstance(place, str) else place.path for place in artifact.locations or []), "")
    name = _full_name(artifact)
    if image is not None:
        return ImageLocation(image=image, package=name, version=artifact.version, path=path or None), ()
    place = place_of(path.lstrip("/")) if path.strip("/") else Place("")
    location = PackageLocation(
        ecosystem=ecosystem(artifact.type),
        name=name,
        version=artifact.version,
        purl=artifact.purl or None,
        path=place.path or None,
    )
    return location, place.flags


def _full_name(artifact: _Artifact) -> str:
    """Return the name other tools use: Grype calls a Java package by its artifact alone, its URL has the group."""
    if not (artifact.purl or "").startswith("pkg:maven/"):
        return artifact.name
    try:
        url = PackageURL.from_string(artifact.purl or "")
    except ValueError:
        return artifact.name
    return f"{url.namespace}:{url.name}" if url.namespace and url.name == artifact.name else artifact.name


def _image_of(source: _Source | None) -> str | None:
    if source is None or source.type != "image":
        return None
    target = source.target if isinstance(source.target, dict) else {}
    return str(target.get("userInput") or target.get("imageID") or "image")


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """Grype's SARIF keeps package, versions and severity in the rule's help."""
    fields = {name: value.strip() for name, value in _FIELD.findall(text_of(seen.rule.help))}
    if "Package" not in fields or "Vulnerability" not in fields:
        return msgspec.structs.replace(finding, domain=Domain.SCA)
    image = _IN_IMAGE.search(finding.message)
    artifact = _Artifact(
        name=fields["Package"],
        version=fields.get("Version"),
        type=fields.get("Type"),
        locations=[_Path(path=fields.get("Location", ""))],
        purl=_purl(seen, fields.get("Version", "")),
    )
    location, flags = _location(artifact, image[1] if image else None)
    fixed = tuple(part.strip() for part in fields.get("Fix Version", "").split(",") if part.strip())
    finding = named_severity(finding, "grype", fields.get("Severity"), score_of(seen) or None)
    return msgspec.structs.replace(
        finding,
        rule=msgspec.structs.replace(
            finding.rule, id=fields["Vulnerability"], name=None, help=text_of(seen.rule.full_description) or None
        ),
        location=location,
        domain=domain.of_package(image is not None),
        hints=Hints(fixed_versions=fixed),
        flags=(*flags, *(flag for flag in finding.flags if flag != ABSOLUTE)),
    )


def _purl(seen: Seen, version: str) -> str | None:
    """Return the package URL of this version: a rule lists those of all it was found in."""
    purls = (seen.rule.properties or {}).get("purls")
    named = [purl for purl in purls if isinstance(purl, str)] if isinstance(purls, list) else []
    return next((purl for purl in named if f"@{version}" in purl), None)


def _is_native(seen: Outline, head: str) -> bool:
    """Matches beside the source and Grype's descriptor."""
    if "matches" not in seen.keys:
        return False
    return not seen.keys.isdisjoint(("source", "descriptor", "distro")) or '"vulnerability"' in head


def _read(report: Report) -> Iterator[Said]:
    """Read each match, and those that were ignored."""
    log, faults = load(report, _Log)
    scanner = Scanner(name="grype", version=log.descriptor.version if log.descriptor else None)
    image = _image_of(log.source)
    yield from each(elements(log.matches, "/matches"), _Match, lambda m, p: [_finding(m, p, scanner, image)])
    yield from each(elements(log.ignored, "/ignoredMatches"), _Match, lambda m, p: [_ignored(m, p, scanner, image)])
    yield from faults


DIALECT = Dialect(scanner="grype", tools=("grype", "anchore grype scan"), refine=_refine)
READER = FormatReader(name="grype", native=_is_native, decode=_read, dialect=DIALECT)
