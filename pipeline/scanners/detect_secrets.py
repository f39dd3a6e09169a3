"""detect-secrets: its baseline, 0.x and 1.x. It holds hashes only, which are not kept."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.records import Domain, Rule, Scanner
from pipeline.scanners import severity
from pipeline.scanners.document import Said, each, elements, escape, load
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline
from pipeline.scanners.places import file_location, place_of


class _Secret(msgspec.Struct, frozen=True):
    type: str
    filename: str | None = None
    line_number: int | None = None
    is_secret: bool | None = None
    is_verified: bool | None = None


class _Baseline(msgspec.Struct, frozen=True):
    version: str | None = None
    results: dict[str, list[msgspec.Raw]] | None = None


def _finding(secret: _Secret, pointer: str, path: str, scanner: Scanner) -> RawFinding:
    """A secret a person has audited as none is suppressed; one the plugin tried and found live is verified."""
    place = place_of(path)
    audited = ("suppressed",) if secret.is_secret is False else ()
    verified = ("verified-secret",) if secret.is_verified else ()
    return RawFinding(
        scanner=scanner,
        rule=Rule(id=secret.type, name=secret.type),
        severity=severity.SECRET,
        domain=Domain.SECRETS,
        location=file_location(place.path, secret.line_number, secret.line_number),
        message=f"Potential secret: {secret.type}",
        pointer=pointer,
        flags=(*place.flags, *audited, *verified),
    )


def _is_native(seen: Outline, head: str) -> bool:
    """Results beside the plugins used."""
    del head
    return {"plugins_used", "results"} <= seen.keys


def _read(report: Report) -> Iterator[Said]:
    """Read each secret of each file."""
    baseline, faults = load(report, _Baseline)
    scanner = Scanner(name="detect-secrets", version=baseline.version)
    for path, secrets in (baseline.results or {}).items():
        found = elements(secrets, f"/results/{escape(path)}")
        yield from each(found, _Secret, lambda s, p, path=path: [_finding(s, p, path, scanner)])  # type: ignore[misc]
    if baseline.results is None:
        yield Fault(pointer="/results", reason="the baseline has no results: the scan did not finish")
    yield from faults


READER = FormatReader(name="detect-secrets", native=_is_native, decode=_read)
