"""OSV-Scanner: its JSON, versions 1 and 2 (advisories in the OSV schema), and its SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.records import Domain, FileLocation, Hints, ImageLocation, Location, PackageLocation, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.cvss import base_score
from pipeline.scanners.cwe import cwe_numbers
from pipeline.scanners.document import Said, each, elements, load
from pipeline.scanners.ecosystems import ecosystem, of_lock_file
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import Place, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, score_of, text_of

_KEYS = {"results", "experimental_config", "image_metadata", "license_summary", "experimental_generic_findings"}
_SCORE = re.compile(r"\d{1,2}(\.\d{1,2})?")
_IN_MESSAGE = re.compile(r"Package '([^'\s]{1,300})@([^'\s@]{1,200})' is vulnerable to ")
_FIXED = re.compile(r"^\| ?([^|\s]{1,80}) ?\| ?([^|\s]{1,300}) ?\| ?([^|\s]{1,200}) ?\|$", re.MULTILINE)
_IMAGE_SOURCES = ("docker", "image")


class _Source(msgspec.Struct, frozen=True):
    path: str = ""
    type: str = ""


class _Package(msgspec.Struct, frozen=True):
    name: str
    version: str | None = None
    ecosystem: str | None = None
    commit: str | None = None


class _Score(msgspec.Struct, frozen=True):
    type: str = ""
    score: str = ""


class _Range(msgspec.Struct, frozen=True):
    type: str | None = None
    events: list[dict[str, str]] | None = None


class _AffectedPackage(msgspec.Struct, frozen=True):
    name: str = ""
    ecosystem: str = ""
    purl: str | None = None


class _Affected(msgspec.Struct, frozen=True):
    package: _AffectedPackage | None = None
    ranges: list[_Range] | None = None


class _Reference(msgspec.Struct, frozen=True):
    url: str = ""


class _Labels(msgspec.Struct, frozen=True):
    severity: Any = None
    cwe_ids: list[str] | None = None


class _Advisory(msgspec.Struct, frozen=True):
    id: str
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Score] | None = None
    affected: list[_Affected] | None = None
    references: list[_Reference] | None = None
    database_specific: _Labels | None = None


class _Group(msgspec.Struct, frozen=True):
    ids: list[str] | None = None
    max_severity: str | None = None


class _Found(msgspec.Struct, frozen=True):
    package: _Package
    vulnerabilities: list[msgspec.Raw] | None = None
    groups: list[_Group] | None = None


class _Result(msgspec.Struct, frozen=True):
    source: _Source = _Source()
    packages: list[msgspec.Raw] | None = None


class _Log(msgspec.Struct, frozen=True):
    results: list[msgspec.Raw] | None = None


def _result(result: _Result, pointer: str) -> Iterator[Said]:
    def package(found: _Found, place: str) -> Iterator[Said]:
        advisories = elements(found.vulnerabilities, f"{place}/vulnerabilities")
        scores = _group_scores(found.groups or [])
        return each(advisories, _Advisory, lambda a, p: [_finding(a, p, found.package, result.source, scores)])

    return each(elements(result.packages, f"{pointer}/packages"), _Found, package)


def _group_scores(groups: list[_Group]) -> dict[str, float]:
    """Return the score OSV-Scanner itself gives to each advisory of a group, CVSS 4 among them; "" is none."""
    scored = [(group, group.max_severity or "") for group in groups]
    return {name: float(text) for group, text in scored if _SCORE.fullmatch(text) for name in group.ids or []}


def _finding(
    advisory: _Advisory, pointer: str, package: _Package, source: _Source, scores: dict[str, float]
) -> RawFinding:
    labels = advisory.database_specific or _Labels()
    score = max((s for v in advisory.severity or [] if (s := base_score(v.score)) is not None), default=None)
    score = scores.get(advisory.id) if score is None else score
    word = severity.from_word("osv", labels.severity if isinstance(labels.severity, str) else None)
    known = (word, severity.from_score(score))
    location, flags = _location(package, source)
    return RawFinding(
        scanner=Scanner(name="osv-scanner"),
        rule=Rule(
            id=advisory.id,
            name=advisory.summary,
            help=advisory.details,
            cwes=cwe_numbers(*(labels.cwe_ids or [])),
            help_uri=next((reference.url for reference in advisory.references or []), None),
        ),
        severity=severity.first(*known),
        domain=domain.of_package(isinstance(location, ImageLocation)),
        location=location,
        message=advisory.summary or (advisory.details or advisory.id).strip().partition("\n")[0],
        pointer=pointer,
        cvss=score,
        aliases=_aliases(advisory),
        hints=Hints(fixed_versions=_fixed(advisory, package)),
        flags=(*flags, *severity.flags_for(*known)),
    )


def _aliases(advisory: _Advisory) -> tuple[str, ...]:
    """Return the advisory's other names; a distribution's advisory on one upstream advisory is about that."""
    upstream = advisory.upstream or []
    return tuple(dict.fromkeys((*(advisory.aliases or ()), *(upstream if len(upstream) == 1 else ()))))


def _location(package: _Package, source: _Source) -> tuple[Location, tuple[str, ...]]:
    if source.type in _IMAGE_SOURCES:
        image, _, inside = source.path.partition(":/")
        return ImageLocation(image=image, package=package.name, version=package.version, path=inside or None), ()
    place = place_of(source.path) if source.path else Place("")
    version = package.version or package.commit
    return (
        PackageLocation(
            ecosystem=ecosystem(package.ecosystem), name=package.name, version=version, path=place.path or None
        ),
        place.flags,
    )


def _fixed(advisory: _Advisory, package: _Package) -> tuple[str, ...]:
    """Collect the versions that fix this very package; an advisory can be about several."""
    versions = []
    for affected in advisory.affected or []:
        if affected.package and affected.package.name.lower() != package.name.lower():
            continue
        for span in affected.ranges or []:
            if span.type != "GIT":
                versions += [event["fixed"] for event in span.events or [] if "fixed" in event]
    return tuple(dict.fromkeys(versions))


def _is_native(seen: Outline, head: str) -> bool:
    """Results whose elements have packages, or none beside OSV-Scanner's own keys."""
    del head
    if seen.results:
        return "packages" in seen.results
    return seen.results_are_a_list and seen.keys <= _KEYS


def _read(report: Report) -> Iterator[Said]:
    """Read each advisory of each package of each source."""
    log, faults = load(report, _Log)
    yield from each(elements(log.results, "/results"), _Result, _result)
    if log.results is None:
        yield Fault(pointer="/results", reason="the report has no results: the scan did not finish")
    yield from faults


def _refine(finding: RawFinding, seen: Seen) -> RawFinding:
    """OSV-Scanner's SARIF names the package in the message, other ids beside the rule, and warns always alike."""
    said = _IN_MESSAGE.match(finding.message)
    names = [finding.rule.id, *(seen.rule.deprecated_ids or [])]
    known = severity.from_score(score_of(seen))
    path = finding.location.path if isinstance(finding.location, FileLocation) else ""
    location: Location = finding.location
    if said:
        location = PackageLocation(ecosystem=of_lock_file(path), name=said[1], version=said[2], path=path or None)
    rows = _FIXED.findall(text_of(seen.rule.help))
    return msgspec.structs.replace(
        finding,
        location=location,
        domain=Domain.SCA,
        severity=severity.first(known),
        message=text_of(seen.rule.short_description).removeprefix(f"{finding.rule.id}: ") or finding.message,
        aliases=tuple(dict.fromkeys(name for name in names if name != finding.rule.id)),
        hints=Hints(
            fixed_versions=tuple(
                dict.fromkeys(row[2] for row in rows if said and row[0] in names and row[1] == said[1])
            )
        ),
        flags=tuple(dict.fromkeys((*finding.flags, *severity.flags_for(known)))),
    )


DIALECT = Dialect(scanner="osv-scanner", tools=("osv-scanner",), refine=_refine)
READER = FormatReader(name="osv-scanner", native=_is_native, decode=_read, dialect=DIALECT)
