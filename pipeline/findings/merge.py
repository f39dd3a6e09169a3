"""Many sightings, one finding: which value is kept, decided by the values and never by order.

| field | rule |
|---|---|
| severity | the highest any scanner names; `severity-unknown` stays only when none does |
| CVSS | the highest |
| scanner, message, location | of the fullest sighting (most fields given), then the smallest by bytes |
| package URL | the fullest sighting's, else another's of the same version, else made of ecosystem, name and version |
| rule id | the CVE or other advisory shared, when a sighting has it; else the fullest sighting's |
| rule name, help, help_uri, fix text, flow | the fullest sighting's, else the longest given |
| snippet | the shortest given: the flagged code and nothing around it |
| CWEs, aliases, fixed versions, edits, other flags, origins | all of them, sorted, once |
| commit | the one the reports name, else the run's |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from pipeline.findings.fingerprint import Sighting, Weakness
from pipeline.findings.identity import Advisories
from pipeline.findings.versions import order_versions, package_url
from pipeline.records import Finding, Hints, Location, PackageLocation, Rule, Severity
from pipeline.scanners.interface import RawFinding
from pipeline.scanners.severity import UNKNOWN_FLAG

SEVERITIES = tuple(Severity)
T = TypeVar("T")


def merge(weakness: Weakness, advisories: Advisories, commit: str | None = None) -> Finding:
    """Return the one finding of a weakness, with all its origins."""
    members = list({s.finding for s in weakness.sightings})
    if len(members) > 1:
        members.sort(key=_fullest)
    first = members[0]
    rule = _rule(members, advisories)
    named = [member for member in members if UNKNOWN_FLAG not in member.flags]
    flags = _union(member.flags for member in members)
    return Finding(
        fingerprint=weakness.fingerprint,
        scanner=first.scanner,
        rule=rule,
        severity=min((member.severity for member in named or members), key=SEVERITIES.index),
        domain=first.domain,
        location=_location(members),
        message=first.message,
        cvss=max((member.cvss for member in members if member.cvss is not None), default=None),
        snippet=min((m.snippet for m in members if m.snippet), key=lambda text: (len(text), text), default=None),
        aliases=_aliases(members, rule.id),
        hints=_hints(members),
        flow=max((member.flow for member in members), key=len),
        origins=_origins(weakness.sightings),
        flags=tuple(flag for flag in flags if flag != UNKNOWN_FLAG or not named),
        commit=_commit(members) or commit,
    )


def _location(members: Sequence[RawFinding]) -> Location:
    """Return the fullest sighting's place; a package's with its package URL, where its ecosystem has them."""
    location = members[0].location
    if not isinstance(location, PackageLocation) or location.purl:
        return location
    named = (member.location for member in members if isinstance(member.location, PackageLocation))
    given = min((place.purl for place in named if place.purl and place.version == location.version), default=None)
    purl = given or package_url(location.ecosystem, location.name, location.version)
    return msgspec.structs.replace(location, purl=purl)


def _commit(members: Sequence[RawFinding]) -> str | None:
    """Return the one commit the reports name; None when they name none, or disagree."""
    named = {member.commit for member in members if member.commit}
    return named.pop() if len(named) == 1 else None


def _fullest(finding: RawFinding) -> tuple[int, bytes]:
    encoded = msgspec.to_builtins(finding)
    given = _count(encoded["location"]) + _count(encoded["rule"]) + _count(encoded["scanner"]) + len(encoded)
    return -given, msgspec.json.encode(finding, order="sorted")


def _count(part: dict[str, Any]) -> int:
    return sum(value is not None and value != [] for value in part.values())


def _rule(members: Sequence[RawFinding], advisories: Advisories) -> Rule:
    rules = [member.rule for member in members]
    shared = advisories.canonical(members[0])
    chosen = next((rule for rule in rules if rule.id.upper() == shared), rules[0])
    return Rule(
        id=chosen.id,
        name=_given(chosen.name, (rule.name for rule in rules)),
        help=_given(chosen.help, (rule.help for rule in rules)),
        cwes=_union(rule.cwes for rule in rules),
        help_uri=_given(chosen.help_uri, (rule.help_uri for rule in rules)),
    )


def _aliases(members: Sequence[RawFinding], rule_id: str) -> tuple[str, ...]:
    """Return the weakness's other names: aliases, and the rule ids other scanners have for it."""
    names = {name for member in members for name in (member.rule.id, *member.aliases)}
    return tuple(sorted(names - {rule_id}))


def _hints(members: Sequence[RawFinding]) -> Hints:
    versions = _union(member.hints.fixed_versions for member in members)
    location = members[0].location
    ecosystem = location.ecosystem if isinstance(location, PackageLocation) else ""
    return Hints(
        fixed_versions=tuple(order_versions(ecosystem, versions)),
        fix_text=_given(members[0].hints.fix_text, (member.hints.fix_text for member in members)),
        edits=tuple(sorted({edits for m in members for edits in m.hints.edits}, key=msgspec.json.encode)),
    )


def _origins(sightings: Sequence[Sighting]) -> tuple[Any, ...]:
    unique = {origin for sighting in sightings for origin in sighting.origins}
    return tuple(sorted(unique, key=lambda origin: (origin.artifact, origin.report, origin.pointer)))


def _given(preferred: str | None, others: Iterable[str | None]) -> str | None:
    return preferred or max((text for text in others if text), key=lambda text: (len(text), text), default=None)


def _union(parts: Iterable[Iterable[T]]) -> tuple[T, ...]:
    return tuple(sorted({item for part in parts for item in part}))  # type: ignore[type-var]
