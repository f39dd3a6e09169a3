"""The fields of SARIF 2.1.0 that are used, and only those. Everything may be missing or null."""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec

Number = int | float
Line = int | float | str
"""A line or column; some tools write it as text."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of every SARIF object."""


class Message(_Part):
    """A text, or the id of one that the rule or driver holds, with arguments."""

    text: str | None = None
    markdown: str | None = None
    id: str | None = None
    arguments: list[str] | None = None


class ArtifactLocation(_Part):
    """A file: a URI, perhaps relative to a named base, or an index into the run's artifacts."""

    uri: str | None = None
    uri_base_id: str | None = None
    index: int | None = None


class Content(_Part):
    """Text of a file's part."""

    text: str | None = None


class Region(_Part):
    """A part of a file. Lines and columns are 1-based; the end column is exclusive."""

    start_line: Line | None = None
    end_line: Line | None = None
    start_column: Line | None = None
    end_column: Line | None = None
    char_offset: Number | None = None
    char_length: Number | None = None
    snippet: Content | None = None


class PhysicalLocation(_Part):
    """A place in a file."""

    artifact_location: ArtifactLocation | None = None
    region: Region | None = None
    context_region: Region | None = None


class Place(_Part):
    """SARIF's `location`."""

    physical_location: PhysicalLocation | None = None
    message: Message | None = None


class ComponentReference(_Part):
    """Which tool component (driver, extension, taxonomy) is meant."""

    name: str | None = None
    index: int | None = None
    guid: str | None = None


class RuleReference(_Part):
    """A rule or taxon by id, index, guid and component."""

    id: str | None = None
    index: int | None = None
    guid: str | None = None
    tool_component: ComponentReference | None = None


class Relationship(_Part):
    """A rule's relation to a taxon, for instance a CWE."""

    target: RuleReference | None = None


class Configuration(_Part):
    """How a rule is set: its level, and whether it runs."""

    level: str | None = None
    enabled: bool | None = None


class RuleText(_Part):
    """A rule (SARIF's `reportingDescriptor`)."""

    id: str | None = None
    name: str | None = None
    guid: str | None = None
    short_description: Message | None = None
    full_description: Message | None = None
    help: Message | None = None
    help_uri: str | None = None
    default_configuration: Configuration | None = None
    message_strings: dict[str, Message] | None = None
    relationships: list[Relationship] | None = None
    deprecated_ids: list[str] | None = None
    properties: dict[str, Any] | None = None


class Component(_Part):
    """A tool's driver or extension, or a taxonomy. Its rules are decoded one by one."""

    name: str | None = None
    version: str | None = None
    semantic_version: str | None = None
    guid: str | None = None
    rules: list[msgspec.Raw] | None = None
    taxa: list[RuleReference] | None = None
    global_message_strings: dict[str, Message] | None = None


class Tool(_Part):
    """What wrote the run."""

    driver: Component | None = None
    extensions: list[Component] | None = None


class Override(_Part):
    """A run's own setting of a rule."""

    configuration: Configuration | None = None
    descriptor: RuleReference | None = None


class Notification(_Part):
    """Something the tool says about its own run."""

    level: str | None = None
    message: Message | None = None
    locations: list[Place] | None = None


class Invocation(_Part):
    """One call of the tool."""

    execution_successful: bool | None = None
    exit_code_description: str | None = None
    working_directory: ArtifactLocation | None = None
    tool_execution_notifications: list[Notification] | None = None
    tool_configuration_notifications: list[Notification] | None = None
    rule_configuration_overrides: list[Override] | None = None


class Artifact(_Part):
    """A file of the run's list."""

    location: ArtifactLocation | None = None
    contents: Content | None = None


class FlowLocation(_Part):
    """One step of a flow."""

    location: Place | None = None
    index: int | None = None


class ThreadFlow(_Part):
    """A sequence of steps."""

    locations: list[FlowLocation] | None = None


class CodeFlow(_Part):
    """How execution reaches the weakness."""

    thread_flows: list[ThreadFlow] | None = None


class Replacement(_Part):
    """Text to delete and to put in its place."""

    deleted_region: Region | None = None
    inserted_content: Content | None = None


class ArtifactChange(_Part):
    """A fix's changes to one file."""

    artifact_location: ArtifactLocation | None = None
    replacements: list[Replacement] | None = None


class SuggestedFix(_Part):
    """A fix the tool proposes."""

    description: Message | None = None
    artifact_changes: list[ArtifactChange] | None = None


class Suppression(_Part):
    """Why a result is not to be acted on."""

    kind: str | None = None
    status: str | None = None


class Result(_Part):
    """One result."""

    rule_id: str | None = None
    rule_index: int | None = None
    rule: RuleReference | None = None
    kind: str | None = None
    level: str | None = None
    message: Message | None = None
    locations: list[Place] | None = None
    related_locations: list[Place] | None = None
    analysis_target: ArtifactLocation | None = None
    code_flows: list[CodeFlow] | None = None
    fixes: list[SuggestedFix] | None = None
    suppressions: list[Suppression] | None = None
    baseline_state: str | None = None
    taxa: list[RuleReference] | None = None
    properties: dict[str, Any] | None = None


class Run(_Part):
    """One run of one tool. Its results and artifacts are decoded one by one."""

    tool: Tool | None = None
    results: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    artifacts: list[Artifact] | None = None
    original_uri_base_ids: dict[str, ArtifactLocation] | None = None
    invocations: list[Invocation] | None = None
    taxonomies: list[Component] | None = None
    thread_flow_locations: list[FlowLocation] | None = None
    external_property_file_references: dict[str, msgspec.Raw] | None = None
    column_kind: str | None = None
    version_control_provenance: Any = None
    properties: dict[str, Any] | None = None


class Log(_Part):
    """A SARIF log."""

    version: str | None = None
    runs: list[msgspec.Raw] | None = None


class _DriverName(_Part):
    name: str | None = None


class _ToolName(_Part):
    driver: _DriverName | None = None


class ToolLog(_Part):
    """A run of which only the tool's name is read."""

    tool: _ToolName | None = None

    @property
    def name(self) -> str:
        """The driver's name in lower case."""
        driver = self.tool.driver if self.tool else None
        return ((driver.name if driver else None) or "").strip().lower()
