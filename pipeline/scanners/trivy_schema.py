"""The fields of Trivy's JSON that are used, and only those."""

from __future__ import annotations

from typing import Any

import msgspec


class Line(msgspec.Struct, frozen=True):
    """A line of the code a finding shows."""

    number: int = msgspec.field(name="Number", default=0)
    content: str = msgspec.field(name="Content", default="")
    is_cause: bool = msgspec.field(name="IsCause", default=False)


class Code(msgspec.Struct, frozen=True):
    """The code a finding shows."""

    lines: list[Line] | None = msgspec.field(name="Lines", default=None)


class Cause(msgspec.Struct, frozen=True, rename="pascal"):
    """Where a misconfiguration is."""

    start_line: int | None = None
    end_line: int | None = None
    resource: str | None = None
    code: Code | None = None


class Identifier(msgspec.Struct, frozen=True):
    """A package's address."""

    purl: str | None = msgspec.field(name="PURL", default=None)


class Vulnerability(msgspec.Struct, frozen=True):
    """A vulnerable package."""

    id: str = msgspec.field(name="VulnerabilityID")
    package: str = msgspec.field(name="PkgName")
    installed: str | None = msgspec.field(name="InstalledVersion", default=None)
    fixed: str | None = msgspec.field(name="FixedVersion", default=None)
    path: str | None = msgspec.field(name="PkgPath", default=None)
    identifier: Identifier | None = msgspec.field(name="PkgIdentifier", default=None)
    severity: str | None = msgspec.field(name="Severity", default=None)
    severity_source: str | None = msgspec.field(name="SeveritySource", default=None)
    title: str | None = msgspec.field(name="Title", default=None)
    description: str | None = msgspec.field(name="Description", default=None)
    url: str | None = msgspec.field(name="PrimaryURL", default=None)
    cwes: list[str] | None = msgspec.field(name="CweIDs", default=None)
    cvss: dict[str, dict[str, Any]] | None = msgspec.field(name="CVSS", default=None)
    vendor_ids: list[str] | None = msgspec.field(name="VendorIDs", default=None)


class Misconfiguration(msgspec.Struct, frozen=True):
    """A misconfiguration."""

    id: str = msgspec.field(name="ID")
    avd_id: str | None = msgspec.field(name="AVDID", default=None)
    title: str | None = msgspec.field(name="Title", default=None)
    description: str | None = msgspec.field(name="Description", default=None)
    message: str | None = msgspec.field(name="Message", default=None)
    resolution: str | None = msgspec.field(name="Resolution", default=None)
    severity: str | None = msgspec.field(name="Severity", default=None)
    url: str | None = msgspec.field(name="PrimaryURL", default=None)
    status: str | None = msgspec.field(name="Status", default=None)
    cause: Cause = msgspec.field(name="CauseMetadata", default=Cause())


class Secret(msgspec.Struct, frozen=True, rename="pascal"):
    """A secret."""

    rule_id: str = msgspec.field(name="RuleID")
    category: str | None = None
    severity: str | None = None
    title: str | None = None
    start_line: int | None = None
    end_line: int | None = None
    match: str | None = None
    code: Code | None = None


class Modified(msgspec.Struct, frozen=True, rename="pascal"):
    """A finding set aside by `.trivyignore`, a policy or a VEX document (`--show-suppressed`)."""

    type: str = ""
    status: str = ""
    finding: msgspec.Raw = msgspec.Raw(b"null")


class Target(msgspec.Struct, frozen=True, rename="pascal"):
    """What was found in one file, lock file or layer."""

    target: str = ""
    klass: str | None = msgspec.field(name="Class", default=None)
    type: str | None = None
    vulnerabilities: list[msgspec.Raw] | None = None
    misconfigurations: list[msgspec.Raw] | None = None
    secrets: list[msgspec.Raw] | None = None
    modified: list[msgspec.Raw] | None = msgspec.field(name="ExperimentalModifiedFindings", default=None)


class Resource(msgspec.Struct, frozen=True, rename="pascal"):
    """A resource of a cluster."""

    namespace: str | None = None
    results: list[msgspec.Raw] | None = None


class Cluster(msgspec.Struct, frozen=True, rename="pascal"):
    """The report of `trivy k8s`."""

    resources: list[msgspec.Raw] | None = None
    vulnerabilities: list[msgspec.Raw] | None = None
    misconfigurations: list[msgspec.Raw] | None = None


class Log(msgspec.Struct, frozen=True, rename="pascal"):
    """A report."""

    schema_version: int | None = None
    artifact_name: str = ""
    artifact_type: str = ""
    results: list[msgspec.Raw] | None = None
