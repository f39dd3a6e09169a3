"""Trivy: its JSON (with and without `SchemaVersion`) and its SARIF; images, file systems, configurations."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from pipeline.records import (
    Domain,
    FileLocation,
    Hints,
    ImageLocation,
    Location,
    PackageLocation,
    Rule,
    Scanner,
)
from pipeline.scanners import domain, severity
from pipeline.scanners.cvss import base_score
from pipeline.scanners.cwe import cwe_numbers
from pipeline.scanners.document import ItemRefused, Said, each, elements, load, quoted
from pipeline.scanners.ecosystems import UNKNOWN, ecosystem, of_lock_file
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.outline import Outline, outline
from pipeline.scanners.places import Place, file_location, place_of
from pipeline.scanners.sarif.reader import Dialect
from pipeline.scanners.sarif.results import Seen, named_severity, score_of, text_of
from pipeline.scanners.trivy_schema import (
    Cluster,
    Code,
    Log,
    Misconfiguration,
    Modified,
    Resource,
    Secret,
    Target,
    Vulnerability,
)

_FIELD = re.compile(
    r"^(Package|Installed Version|Fixed Version|Severity|Artifact|Type|Match|Secret):[ \t]*(.*)$", re.MULTILINE
)
_OLD_IMAGE = re.compile(r"(\S+) \([\w.]+ [^()]*\)")
_IMAGE_TYPES = ("container_image", "image", "vm")


SCANNER = Scanner(name="trivy")


class _Native:
    """Converts the targets of one native report; `image` is None when a file system was scanned.

    What is found in a file of the image, or in a resource of the `namespace` of a cluster, is inside that.
    """

    def __init__(self, image: str | None, namespace: str | None = None) -> None:
        self.image, self._inside = image, namespace or image

    def target(self, target: Target, pointer: str) -> Iterator[Said]:
        for raws, name, item, convert in (
            (target.vulnerabilities, "Vulnerabilities", Vulnerability, self._vulnerability),
            (target.misconfigurations, "Misconfigurations", Misconfiguration, self._misconfiguration),
            (target.secrets, "Secrets", Secret, self._secret),
        ):
            if raws:
                yield from each(
                    elements(raws, f"{pointer}/{name}"),
                    item,
                    lambda found, place, convert=convert: convert(found, place, target),  # type: ignore[misc]
                )
        if target.modified:
            place = f"{pointer}/ExperimentalModifiedFindings"
            yield from each(elements(target.modified, place), Modified, lambda m, p: self._modified(m, p, target))

    def _modified(self, modified: Modified, pointer: str, target: Target) -> Iterator[Said]:
        """Keep what was set aside, flagged; licences are no weaknesses."""
        pointer = f"{pointer}/Finding"
        found: Iterator[RawFinding]
        match modified.type:
            case "vulnerability":
                found = self._vulnerability(msgspec.json.decode(modified.finding, type=Vulnerability), pointer, target)
            case "misconfiguration":
                aside = msgspec.json.decode(modified.finding, type=Misconfiguration)
                found = self._misconfiguration(aside, pointer, target)
            case "secret":
                found = self._secret(msgspec.json.decode(modified.finding, type=Secret), pointer, target)
            case "license":
                return
            case _:
                raise ItemRefused(f"is a finding of an unknown kind that was set aside: {quoted(modified.status)}")
        for one in found:
            yield msgspec.structs.replace(one, flags=(*one.flags, "suppressed"))

    def _vulnerability(self, found: Vulnerability, pointer: str, target: Target) -> Iterator[RawFinding]:
        score, word = _score(found), severity.from_word("trivy", found.severity)
        in_image = self.image is not None
        location, flags = self._package(found, target)
        yield RawFinding(
            scanner=SCANNER,
            rule=Rule(
                id=found.id,
                name=found.title,
                help=found.description,
                cwes=cwe_numbers(*(found.cwes or [])),
                help_uri=found.url,
            ),
            severity=severity.first(word, severity.from_score(score)),
            domain=domain.of_package(in_image),
            location=location,
            message=found.title or found.id,
            pointer=pointer,
            cvss=score,
            aliases=tuple(found.vendor_ids or ()),
            hints=Hints(fixed_versions=versions(found.fixed)),
            flags=(*flags, *severity.flags_for(word, severity.from_score(score))),
        )

    def _package(self, found: Vulnerability, target: Target) -> tuple[Location, tuple[str, ...]]:
        if self.image is not None:
            inside = found.path or (target.target if target.klass == "lang-pkgs" and "/" in target.target else None)
            return ImageLocation(image=self.image, package=found.package, version=found.installed, path=inside), ()
        place = place_of(found.path or target.target) if found.path or target.target else Place("")
        return (
            PackageLocation(
                ecosystem=ecosystem(target.type) if target.type else of_lock_file(place.path),
                name=found.package,
                version=found.installed,
                purl=found.identifier.purl if found.identifier else None,
                path=place.path or None,
            ),
            place.flags,
        )

    def _misconfiguration(self, found: Misconfiguration, pointer: str, target: Target) -> Iterator[RawFinding]:
        if (found.status or "FAIL") not in ("FAIL", "EXCEPTION"):
            return
        word, place = severity.from_word("trivy", found.severity), place_of(target.target)
        identity = found.id
        suppressed = ("suppressed",) if found.status == "EXCEPTION" else ()
        yield RawFinding(
            scanner=SCANNER,
            rule=Rule(id=identity, name=found.title, help=found.description, help_uri=found.url),
            severity=severity.first(word),
            domain=_configuration_domain(target.type, identity, place.path),
            location=self._lines(place, found.cause.start_line or 1, found.cause.end_line),
            message=found.message or found.title or identity,
            pointer=pointer,
            snippet=_snippet(found.cause.code),
            aliases=(found.avd_id,) if found.avd_id and found.avd_id != identity else (),
            hints=Hints(fix_text=found.resolution or None),
            flags=(*self._flags(place), *suppressed, *severity.flags_for(word)),
        )

    def _secret(self, found: Secret, pointer: str, target: Target) -> Iterator[RawFinding]:
        place, word = place_of(target.target), severity.from_word("trivy", found.severity)
        yield RawFinding(
            scanner=SCANNER,
            rule=Rule(id=found.rule_id, name=found.title),
            severity=severity.first(word, severity.SECRET),
            domain=Domain.SECRETS,
            location=self._lines(place, found.start_line, found.end_line),
            message=found.title or found.rule_id,
            pointer=pointer,
            snippet=_snippet(found.code) or found.match,
            flags=self._flags(place),
        )

    def _lines(self, place: Place, first: int | None, last: int | None) -> FileLocation:
        return msgspec.structs.replace(file_location(place.path, first, last), inside=self._inside)

    def _flags(self, place: Place) -> tuple[str, ...]:
        """A file in an image is written from the image's root, which says nothing."""
        return place.flags if self._inside is None else ()


def versions(text: str | None) -> tuple[str, ...]:
    """Split Trivy's list of fixed versions."""
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def _score(found: Vulnerability) -> float | None:
    """Take the CVSS base score of the severity's source, else NVD's, else another's; v3 before v2; else compute it."""
    scores = found.cvss or {}
    order = [name for name in (found.severity_source, "nvd", "ghsa") if name in scores] or list(scores)
    for version in ("V40", "V3", "V2"):
        for name in order:
            value, vector = scores[name].get(f"{version}Score"), scores[name].get(f"{version}Vector")
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10:
                return float(value)
            if isinstance(vector, str) and (score := base_score(vector)) is not None:
                return score
    return None


def _configuration_domain(kind: str | None, rule: str, path: str) -> Domain:
    return Domain.CONTAINER if kind == "dockerfile" else domain.of_configuration(rule, path)


def _snippet(code: Code | None) -> str | None:
    lines = (code.lines if code else None) or []
    return "\n".join(line.content for line in lines if line.is_cause) or None


def _refine(finding: RawFinding, seen: Seen) -> RawFinding | Fault:
    """Trivy's SARIF keeps package, versions, severity and image in messages and properties; columns are 1."""
    message = text_of(seen.result.message)
    fields = {name: value.strip() for name, value in _FIELD.findall(message)}
    kind = seen.rule.name or ""
    if "Package" in fields and "Installed Version" in fields:
        finding = _package_finding(finding, seen, fields)
    elif kind == "Secret":
        finding = msgspec.structs.replace(finding, domain=Domain.SECRETS, message=_secret_title(seen, fields))
    elif kind == "Misconfiguration" or "Type" in fields:
        finding = _configuration_finding(finding, fields)
    finding = named_severity(finding, "trivy", fields.get("Severity") or _severity_tag(seen), score_of(seen) or None)
    location = finding.location
    if isinstance(location, FileLocation):
        location = msgspec.structs.replace(_lines_only(location, seen), inside=_image(seen))
    return msgspec.structs.replace(
        finding,
        location=location,
        rule=msgspec.structs.replace(finding.rule, name=text_of(seen.rule.short_description) or finding.rule.name),
    )


def _lines_only(location: FileLocation, seen: Seen) -> FileLocation:
    """Take the region's lines as they are: Trivy writes 1 for every column, which would end a line early."""
    physical = next((place.physical_location for place in seen.result.locations or [] if place.physical_location), None)
    region = physical.region if physical else None
    return file_location(location.path, region.start_line, region.end_line) if region else location


def _severity_tag(seen: Seen) -> str | None:
    tags = (seen.rule.properties or {}).get("tags")
    words = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return next((tag for tag in words if tag.upper() in ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")), None)


def _image(seen: Seen) -> str | None:
    image = (seen.run.properties or {}).get("imageName")
    return image if isinstance(image, str) and image else None


def _package_finding(finding: RawFinding, seen: Seen, fields: dict[str, str]) -> RawFinding:
    path = finding.location.path if isinstance(finding.location, FileLocation) else ""
    image = _image(seen)
    location: Location
    score = finding.cvss
    if image is not None:
        inside = None if seen.rule.name == "OsPackageVulnerability" else path
        location = ImageLocation(
            image=image, package=fields["Package"], version=fields["Installed Version"], path=inside
        )
    else:
        line = finding.location.start_line if isinstance(finding.location, FileLocation) else None
        location = PackageLocation(
            ecosystem=of_lock_file(path) if path else UNKNOWN,
            name=fields["Package"],
            version=fields["Installed Version"],
            path=path or None,
            line=line,
        )
    short = seen.rule.short_description
    return msgspec.structs.replace(
        finding,
        location=location,
        domain=domain.of_package(isinstance(location, ImageLocation)),
        message=(short.text if short else None) or finding.rule.id,
        rule=msgspec.structs.replace(
            finding.rule,
            name=(short.text if short else None) or None,
            help=(seen.rule.full_description.text if seen.rule.full_description else None) or finding.rule.help,
        ),
        cvss=score,
        hints=Hints(fixed_versions=versions(fields.get("Fixed Version"))),
    )


def _configuration_finding(finding: RawFinding, fields: dict[str, str]) -> RawFinding:
    path = finding.location.path if isinstance(finding.location, FileLocation) else ""
    said = re.search(r"^Message: (.*)$", finding.message, re.MULTILINE)
    return msgspec.structs.replace(
        finding,
        domain=_configuration_domain(fields.get("Type"), finding.rule.id, path),
        message=said[1] if said else finding.message,
    )


def _secret_title(seen: Seen, fields: dict[str, str]) -> str:
    short = seen.rule.short_description
    return (short.text if short else None) or "Secret"


DIALECT = Dialect(scanner="trivy", tools=("trivy",), refine=_refine)


def _is_native(seen: Outline, head: str) -> bool:
    """An artifact with results, or the old list of targets."""
    del head
    if seen.kind == "array":
        return "Target" in seen.keys
    if "ClusterName" in seen.keys:
        return True
    return "ArtifactName" in seen.keys and bool({"SchemaVersion", "Results", "ArtifactType"} & seen.keys)


def _image_in(target: str) -> str | None:
    """Find the image in an old target's name: `image (alpine 3.10.2)`."""
    found = _OLD_IMAGE.fullmatch(target)
    return found[1] if found else None


def _read_cluster(report: Report) -> Iterator[Said]:
    """Read what `trivy k8s` found in a cluster: its targets are images and resources, not files."""
    cluster, faults = load(report, Cluster)

    def resource(found: Resource, pointer: str) -> Iterator[Said]:
        namespace = f"namespace {found.namespace}" if found.namespace else "cluster"

        def of_cluster(target: Target, pointer: str) -> Iterator[Said]:
            return _Native(target.target.partition(" (")[0], namespace).target(target, pointer)

        return each(elements(found.results, f"{pointer}/Results"), Target, of_cluster)

    for raws, name in (
        (cluster.resources, "Resources"),
        (cluster.vulnerabilities, "Vulnerabilities"),
        (cluster.misconfigurations, "Misconfigurations"),
    ):
        yield from each(elements(raws, f"/{name}"), Resource, resource)
    yield from faults


def _read(report: Report) -> Iterator[Said]:
    """Read vulnerabilities, misconfigurations and secrets of each target."""
    seen = outline(report)
    if "ClusterName" in seen.keys:
        yield from _read_cluster(report)
        return
    if seen.kind == "array":
        targets, faults = load(report, list[msgspec.Raw])
        yield from each(elements(targets, ""), Target, lambda t, p: _Native(_image_in(t.target)).target(t, p))
    else:
        log, faults = load(report, Log)
        if log.schema_version is not None and log.schema_version > 2:
            raise ReportRefused(f"Trivy's schema {log.schema_version} is not known.", "Update fixsmith.")
        image = log.artifact_name if log.artifact_type in _IMAGE_TYPES else None
        yield from each(elements(log.results, "/Results"), Target, _Native(image).target)
    yield from faults


READER = FormatReader(name="trivy", native=_is_native, decode=_read, dialect=DIALECT)
