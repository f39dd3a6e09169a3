"""Findings as SARIF 2.1.0: a run for each scanner, so that each result keeps its tool."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any, TextIO
from urllib.parse import quote

import msgspec

from pipeline.findings.formats.place import describe
from pipeline.records import (
    SUPPRESSED,
    FileLocation,
    Finding,
    FlowStep,
    ImageLocation,
    PackageLocation,
    Rule,
    Severity,
    TextEdit,
    UrlLocation,
)

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "fixsmithFinding/v1"
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SCORES = {Severity.CRITICAL: 9.5, Severity.HIGH: 8.0, Severity.MEDIUM: 5.5, Severity.LOW: 2.5, Severity.INFO: 0.0}
"""`security-severity` where no CVSS is given: the middle of GitHub's band of that name."""

_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"]+")
"""A rule's help must be an absolute URI; some tools write a sentence round it."""

Json = dict[str, Any]


def write_sarif(findings: Sequence[Finding], stream: TextIO) -> None:
    """Write one SARIF document."""
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs(findings)}
    stream.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")


def runs(findings: Sequence[Finding]) -> list[Json]:
    """Return a run for each scanner, by name; an empty run of ours when there are no findings."""
    ordered = sorted(findings, key=lambda finding: finding.scanner.name)
    found = [_run(name, list(group)) for name, group in groupby(ordered, key=lambda finding: finding.scanner.name)]
    return found or [{"tool": {"driver": {"name": "fixsmith", "rules": []}}, "results": []}]


def _run(name: str, findings: Sequence[Finding]) -> Json:
    rules: dict[str, list[Finding]] = {}
    for finding in findings:
        rules.setdefault(finding.rule.id, []).append(finding)
    driver: Json = {"name": name or "unknown", "rules": [_rule(group) for group in rules.values()]}
    versions = sorted({finding.scanner.version for finding in findings if finding.scanner.version})
    if len(versions) == 1:
        driver["version"] = versions[0]
    positions = {rule: index for index, rule in enumerate(rules)}
    results = [_result(finding, positions[finding.rule.id]) for finding in findings]
    return {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}


def _rule(findings: Sequence[Finding]) -> Json:
    rule: Rule = findings[0].rule
    worst = min(findings, key=lambda finding: list(Severity).index(finding.severity))
    score = max((f.cvss for f in findings if f.cvss is not None), default=SCORES[worst.severity])
    cwes = sorted({cwe for finding in findings for cwe in finding.rule.cwes})
    described: Json = {
        "id": rule.id,
        "properties": {
            "security-severity": f"{score:.1f}",
            "tags": ["security", *(f"external/cwe/cwe-{cwe:03d}" for cwe in cwes)],
        },
    }
    if rule.name:
        described["name"] = rule.name
        described["shortDescription"] = {"text": rule.name}
    if rule.help:
        described["help"] = {"text": rule.help}
    address = _ADDRESS.search(rule.help_uri or "")
    if address:
        described["helpUri"] = _uri(address[0])
    return described


def _result(finding: Finding, rule_index: int) -> Json:
    result: Json = {
        "ruleId": finding.rule.id,
        "ruleIndex": rule_index,
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message or finding.rule.id},
        "locations": [_location(finding)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": _properties(finding),
    }
    if SUPPRESSED in finding.flags:
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    if finding.flow:
        result["codeFlows"] = [{"threadFlows": [{"locations": [_step(step) for step in finding.flow]}]}]
    fixes = [_fix(edits) for edits in finding.hints.edits if edits]
    if fixes:
        result["fixes"] = fixes
    return result


def _properties(finding: Finding) -> Json:
    properties: Json = {"severity": finding.severity, "domain": finding.domain, "where": describe(finding.location)}
    if finding.cvss is not None:
        properties["cvss"] = finding.cvss
    for name, values in (
        ("aliases", finding.aliases),
        ("fixedVersions", finding.hints.fixed_versions),
        ("flags", finding.flags),
    ):
        if values:
            properties[name] = list(values)
    return properties


def _location(finding: Finding) -> Json:
    match finding.location:
        case FileLocation() as location:
            path = f"{location.inside}/{location.path}" if location.inside else location.path
            return {"physicalLocation": _physical(path, _region(location, finding.snippet))}
        case PackageLocation() as location:
            region = {"startLine": location.line} if location.line else None
            physical = {"physicalLocation": _physical(location.path, region)} if location.path else {}
            return physical | _logical(location.purl or location.name, "module")
        case ImageLocation() as location:
            return {"physicalLocation": _physical(location.image, None)} | _logical(location.package or "", "module")
        case UrlLocation() as location:
            return {"physicalLocation": _physical(location.url, None)} | _logical(location.parameter or "", "parameter")


def _logical(name: str, kind: str) -> Json:
    return {"logicalLocations": [{"fullyQualifiedName": name, "kind": kind}]} if name else {}


def _physical(path: str, region: Json | None) -> Json:
    physical: Json = {"artifactLocation": {"uri": _uri(path)}}
    return physical | {"region": region} if region else physical


def _region(location: FileLocation, snippet: str | None) -> Json | None:
    if location.start_line is None or location.start_line < 1:
        return None
    region: Json = {"startLine": location.start_line}
    for name, value in (
        ("endLine", location.end_line),
        ("startColumn", location.start_column),
        ("endColumn", location.end_column),
    ):
        if value is not None and value >= 1:
            region[name] = value
    if snippet:
        region["snippet"] = {"text": snippet}
    return region


def _step(step: FlowStep) -> Json:
    region = {"startLine": step.line} if step.line >= 1 else None
    location: Json = {"physicalLocation": _physical(step.path, region)}
    if step.message:
        location["message"] = {"text": step.message}
    return {"location": location}


def _fix(edits: Sequence[TextEdit]) -> Json:
    changes = [
        {
            "artifactLocation": {"uri": _uri(edit.path)},
            "replacements": [{"deletedRegion": _deleted(edit), "insertedContent": {"text": edit.text}}],
        }
        for edit in edits
    ]
    return {"artifactChanges": changes}


def _deleted(edit: TextEdit) -> Json:
    """Return the region an edit replaces; without columns it ends at the start of the next line."""
    if edit.start_column is None or edit.end_column is None:
        return {"startLine": edit.start_line, "startColumn": 1, "endLine": edit.end_line + 1, "endColumn": 1}
    return {
        "startLine": edit.start_line, "startColumn": edit.start_column,
        "endLine": edit.end_line, "endColumn": edit.end_column,
    }  # fmt: skip


def _uri(text: str) -> str:
    """Return a valid URI reference: what is percent-encoded already stays, the rest is encoded."""
    uri = quote(text, safe="/:?#@!$&'()*+,;=%~-._")
    first = uri.split("/", 1)[0]
    return f"./{uri}" if ":" in first and "://" not in uri else uri
