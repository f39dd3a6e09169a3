"""pip-audit: its JSON, old (a list) and new. A dependency it skipped is never clean."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pipeline.records import Hints, PackageLocation, Rule, Scanner
from pipeline.scanners import domain, severity
from pipeline.scanners.document import Said, each, elements, load, quoted
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report
from pipeline.scanners.outline import Outline, outline


class _Vulnerability(msgspec.Struct, frozen=True):
    id: str
    fix_versions: list[str] | None = None
    aliases: list[str] | None = None
    description: str | None = None


class _Dependency(msgspec.Struct, frozen=True):
    name: str
    version: str | None = None
    vulns: list[msgspec.Raw] | None = None
    skip_reason: str | None = None


class _Log(msgspec.Struct, frozen=True):
    dependencies: list[msgspec.Raw] | None = None


def _dependency(dependency: _Dependency, pointer: str) -> Iterator[Said]:
    if dependency.skip_reason is not None:
        reason = quoted(dependency.skip_reason)
        yield Fault(pointer=pointer, reason=f"pip-audit skipped {dependency.name}: {reason}")
        return
    found = elements(dependency.vulns, f"{pointer}/vulns")
    yield from each(found, _Vulnerability, lambda v, p: [_finding(v, p, dependency)])


def _finding(found: _Vulnerability, pointer: str, dependency: _Dependency) -> RawFinding:
    """pip-audit names no severity: medium, and flagged so."""
    description = (found.description or "").strip()
    return RawFinding(
        scanner=Scanner(name="pip-audit"),
        rule=Rule(id=found.id, help=description or None),
        severity=severity.first(None),
        domain=domain.of_package(in_image=False),
        location=PackageLocation(ecosystem="PyPI", name=dependency.name, version=dependency.version),
        message=description.partition("\n")[0] or found.id,
        pointer=pointer,
        aliases=tuple(found.aliases or ()),
        hints=Hints(fixed_versions=tuple(found.fix_versions or ())),
        flags=severity.flags_for(None),
    )


def _is_native(seen: Outline, head: str) -> bool:
    """Dependencies with vulnerabilities, in a list or beside fixes."""
    del head
    if seen.kind == "array":
        return "name" in seen.keys and not {"vulns", "skip_reason"}.isdisjoint(seen.keys)
    return {"dependencies"} <= seen.keys <= {"dependencies", "fixes"}


def _read(report: Report) -> Iterator[Said]:
    """Read each dependency."""
    if outline(report).kind == "array":
        dependencies, faults = load(report, list[msgspec.Raw])
        yield from each(elements(dependencies, ""), _Dependency, _dependency)
    else:
        log, faults = load(report, _Log)
        yield from each(elements(log.dependencies, "/dependencies"), _Dependency, _dependency)
        if not log.dependencies:
            yield Fault(pointer="/dependencies", reason="the report names no dependencies: nothing was audited")
    yield from faults


READER = FormatReader(name="pip-audit", native=_is_native, decode=_read)
