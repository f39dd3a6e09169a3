"""What a finding is about, apart from where it stands today: advisory, package, code.

Advisories have several names (CVE, GHSA, PYSEC, …). Names that reports give as aliases of one
another are one advisory, called by its CVE where it has exactly one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from pipeline.findings.versions import package_key
from pipeline.records import Domain, FileLocation, ImageLocation, PackageLocation, UrlLocation
from pipeline.scanners.interface import RawFinding

_ADVISORY = re.compile(
    r"^(?:CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}|(?:PYSEC|RUSTSEC|GO|MAL|OSV|GSD|DSA|DLA|USN|ALAS\d*"
    r"|RHSA|RHBA|ELSA|ALSA|RLSA|SUSE-SU|openSUSE-SU|SNYK|NSWG|CGA|TEMP|BIT|HSEC|CAN|EEF|JLSEC|DEBIAN|UBUNTU|ALPINE)[-:][\w.:\-]+)$",
    re.IGNORECASE,
)
_REDACTION = re.compile(r"\[redacted:([a-z0-9\-]{1,32}):[0-9a-f]{8}\]")
_SPACE = re.compile(r"\s+")
_PLACES = re.compile(r"(?i)\b(lines?|columns?|col|offset|at)\s*[#:]?\s*\d+(?:\s*[-–:,]\s*\d+)*|:\d+(?::\d+)?\b")
_NAMES = re.compile(r"^(?:- )?(?:kind|name):\s*\S")
LONGEST_CODE = 5
"""Flagged code of up to this many lines counts whole."""

_EDITIONS = re.compile(r"(?i)[ _-](?:oss|pro|ce|cli|community|scanner|baseline|open source)$")


def is_advisory(name: str) -> bool:
    """Tell whether a rule's name is an advisory's: the same for every scanner."""
    return _ADVISORY.match(name) is not None


def scanner_family(name: str) -> str:
    """Return the scanner's name without its edition, as it counts for identity."""
    return re.sub(r"[^a-z0-9]", "", _EDITIONS.sub("", name.strip()).lower())


class Advisories:
    """Which advisory names mean the same one, from all findings of the run (union-find)."""

    def __init__(self, findings: Iterable[RawFinding] = ()) -> None:
        self._parent: dict[str, str] = {}
        self._members: dict[str, set[str]] = {}
        for finding in findings:
            self.add(finding)

    def add(self, finding: RawFinding) -> None:
        """Learn from a finding that its rule and its aliases name one advisory."""
        names = [name.upper() for name in (finding.rule.id, *finding.aliases) if is_advisory(name)]
        for name in names:
            self._join(names[0], name)

    def canonical(self, finding: RawFinding) -> str | None:
        """Return the advisory a finding is about, None when its rule is a scanner's own.

        An own CVE is kept, and so is an own id when its advisory has several CVEs: joining
        different CVEs by way of one that covers both would lose weaknesses.
        """
        own = finding.rule.id.upper()
        names = [own, *(alias.upper() for alias in finding.aliases)]
        names = [name for name in names if is_advisory(name)]
        if not names or own.startswith("CVE-"):
            return names[0] if names else None
        known = self._members.get(self._find(names[0]), set(names))
        cves = sorted(name for name in known if name.startswith("CVE-"))
        direct = sorted(name for name in names if name.startswith("CVE-"))
        if len(cves) == 1:
            return cves[0]
        if cves:
            return direct[0] if len(direct) == 1 else names[0]
        return min(known, key=lambda name: (not name.startswith("GHSA-"), name))

    def _find(self, name: str) -> str:
        while (above := self._parent.get(name, name)) != name:
            self._parent[name] = self._parent.get(above, above)
            name = above
        return name

    def _join(self, first: str, second: str) -> None:
        low, high = sorted((self._find(first), self._find(second)))
        self._parent.setdefault(low, low)
        members = self._members.setdefault(low, {low})
        if low != high:
            self._parent[high] = low
            members |= self._members.pop(high, {high})


def subject(finding: RawFinding, advisories: Advisories) -> tuple[str, ...]:
    """Return what a finding is about, without lines and versions.

    File findings that share a subject are told apart by their code (`pipeline.findings.fingerprint`).
    """
    location = finding.location
    advisory = advisories.canonical(finding)
    match location:
        case PackageLocation():
            return (
                "package",
                *package_key(location.ecosystem, location.name),
                location.path or "",
                _what(finding, advisory),
            )
        case ImageLocation():
            return (
                "image",
                location.image,
                (location.package or location.path or "").lower(),
                _what(finding, advisory),
            )
        case UrlLocation():
            return (
                "url",
                location.url,
                (location.method or "").upper(),
                location.parameter or "",
                _what(finding, None),
            )
        case FileLocation():
            about = advisory if finding.domain in (Domain.SCA, Domain.CONTAINER) else None
            path = location.path if location.inside is None else f"{location.inside}: {location.path}"
            return ("file", path, _what(finding, about))


def _what(finding: RawFinding, advisory: str | None) -> str:
    return advisory or f"{scanner_family(finding.scanner.name)}:{finding.rule.id}"


def _telling(snippet: str) -> str:
    """Return the lines of a snippet that name what is flagged.

    A find on a whole block (a resource, a container, a Dockerfile) is about something the block
    lacks; it stays the same when another line of the block changes. So a long block counts by
    its first line and the names in it; a Dockerfile's base image is no name of it.
    """
    lines = [line.strip() for line in snippet.splitlines() if line.strip()]
    if len(lines) <= LONGEST_CODE:
        return snippet
    names = [line for line in lines[1:] if _NAMES.match(line)]
    return "\n".join(["FROM" if lines[0].startswith("FROM ") else lines[0], *names[:2]])


def code_text(finding: RawFinding) -> str:
    """Return what tells a finding from others of its rule in its file, and stays when lines move.

    The flagged code without white space; without code the message without places. Redacted
    values count by their kind, so that the workspace's key doesn't enter an identity.
    """
    snippet = (finding.snippet or "").strip()
    return _plain_message(finding.message) if snippet in ("", "requires login") else _plain_code(finding.snippet or "")


@functools.lru_cache(maxsize=1024)
def _plain_code(snippet: str) -> str:
    return "code:" + _SPACE.sub("", _REDACTION.sub(r"[\1]", _telling(snippet)))


@functools.lru_cache(maxsize=1024)
def _plain_message(message: str) -> str:
    return "message:" + _SPACE.sub(" ", _PLACES.sub("#", _REDACTION.sub(r"[\1]", message))).strip()
