"""From one SARIF result to a finding: place, severity, rule, flow and proposed edits."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from pipeline.records import (
    Domain,
    FileLocation,
    FlowStep,
    Hints,
    Location,
    Rule,
    Scanner,
    TextEdit,
    UrlLocation,
)
from pipeline.scanners import domain, severity
from pipeline.scanners.document import ItemRefused
from pipeline.scanners.interface import FIX_LEFT_OUT, RawFinding
from pipeline.scanners.places import file_location, line_of
from pipeline.scanners.sarif.files import Files
from pipeline.scanners.sarif.offsets import Offsets
from pipeline.scanners.sarif.rules import Rules
from pipeline.scanners.sarif.schema import (
    ArtifactLocation,
    CodeFlow,
    Content,
    FlowLocation,
    Message,
    PhysicalLocation,
    Region,
    Result,
    RuleText,
    Run,
    SuggestedFix,
)

LONGEST_FLOW = 200
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LINK = re.compile(r"\[([^\[\]]*)\]\(\d+\)")
_GONE = "absent"
_NOT_WEAK = ("pass", "notapplicable")
ACCEPTED = "accepted"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect may look at when it refines a finding."""

    run: Run
    result: Result
    rule: RuleText
    level: str


class Results:
    """Converts the results of one run."""

    def __init__(self, run: Run, scanner: Scanner, rules: Rules) -> None:
        self.run, self.scanner, self.rules, self.files = run, scanner, rules, Files(run)
        self.offsets = Offsets(self.files, run.column_kind)
        self.commit = commit_of(run)
        self.gone = self.passed = self.unplaced = 0

    def convert(self, result: Result, pointer: str) -> Iterable[tuple[RawFinding, Seen]]:
        """Yield the finding, or nothing for a result that says that nothing is wrong (counted)."""
        if (result.baseline_state or "").lower() == _GONE:
            self.gone += 1
            return
        if (result.kind or "").lower() in _NOT_WEAK:
            self.passed += 1
            return
        rule = self.rules.of(result)
        seen = Seen(run=self.run, result=result, rule=rule, level=self.rules.level(result, rule))
        yield self._finding(seen, pointer), seen

    def _finding(self, seen: Seen, pointer: str) -> RawFinding:
        result, rule = seen.result, seen.rule
        identity = result.rule_id or (result.rule.id if result.rule else None) or rule.id or ""
        location, flags, snippet = self._place(result)
        edits = self._edits(result.fixes or [])
        lost = sum(1 for fix in result.fixes or [] if fix.artifact_changes) - len(edits)
        self.unplaced += lost
        severities = (severity.from_score(score_of(seen)), severity.from_word("sarif", seen.level))
        return RawFinding(
            scanner=self.scanner,
            rule=self._rule(identity, seen),
            severity=severity.first(*severities),
            domain=self._domain(identity, location),
            location=location,
            message=_LINK.sub(r"\1", self.rules.message(result, rule)) or text_of(rule.short_description),
            pointer=pointer,
            snippet=snippet,
            hints=Hints(fix_text=self._fix_text(result), edits=edits),
            flow=self._flow(result.code_flows or []),
            flags=(*flags, *((FIX_LEFT_OUT,) if lost else ()), *_suppressed(result), *severity.flags_for(*severities)),
            commit=self.commit,
        )

    def _rule(self, identity: str, seen: Seen) -> Rule:
        rule = seen.rule
        name = rule.name if rule.name and rule.name != identity else text_of(rule.short_description)
        helped = text_of(rule.help) or text_of(rule.full_description)
        return Rule(
            id=identity,
            name=name or None,
            help=helped or None,
            cwes=self.rules.cwes(seen.result, rule),
            help_uri=rule.help_uri or None,
        )

    def _domain(self, identity: str, location: Location) -> Domain:
        if isinstance(location, FileLocation):
            return domain.of_rule(identity, location.path, self.scanner.name)
        return Domain.DAST

    def _place(self, result: Result) -> tuple[Location, tuple[str, ...], str | None]:
        physical = self._physical(result)
        url = self.files.web_address(physical.artifact_location)
        if url is not None:
            return UrlLocation(url=url), (), None
        place = self.files.place(physical.artifact_location)
        region = self._lines(physical.artifact_location, physical.region or Region())
        location = file_location(place.path, region.start_line, region.end_line, region.start_column, region.end_column)
        return location, place.flags, _snippet(physical)

    def _physical(self, result: Result) -> PhysicalLocation:
        """Return the first place that names a file: of the result's own, else what was analysed, else a related one."""
        own, related = (
            [place.physical_location for place in places or [] if place.physical_location]
            for places in (result.locations, result.related_locations)
        )
        target = PhysicalLocation(artifact_location=result.analysis_target, region=own[0].region if own else None)
        named = (place for place in (*own, target, *related) if self.files.names(place.artifact_location))
        return next(named, PhysicalLocation())

    def _lines(self, location: ArtifactLocation | None, region: Region) -> Region:
        """Return the region with lines if they can be known; a finding without them is about its file."""
        try:
            return self.offsets.region(location, region)
        except ItemRefused:
            return region

    def _flow(self, flows: list[CodeFlow]) -> tuple[FlowStep, ...]:
        steps = [
            step for flow in flows[:1] for thread in (flow.thread_flows or [])[:1] for step in thread.locations or []
        ]
        return tuple(made for step in steps[:LONGEST_FLOW] if (made := self._step(step)) is not None)

    def _step(self, step: FlowLocation) -> FlowStep | None:
        cached = self.run.thread_flow_locations or []
        if step.location is None and step.index is not None and 0 <= step.index < len(cached):
            step = cached[step.index]
        physical = step.location.physical_location if step.location else None
        if physical is None or physical.region is None:
            return None
        try:
            line, path = line_of(physical.region.start_line), self.files.place(physical.artifact_location).path
        except ItemRefused:
            return None
        if line is None:
            return None
        said = text_of(step.location.message) if step.location else ""
        return FlowStep(path=path, line=line, message=_LINK.sub(r"\1", said))

    def _fix_text(self, result: Result) -> str | None:
        return next((text for fix in result.fixes or [] if (text := text_of(fix.description))), None)

    def _edits(self, fixes: list[SuggestedFix]) -> tuple[tuple[TextEdit, ...], ...]:
        return tuple(group for fix in fixes if (group := self._group(fix)))

    def _group(self, fix: SuggestedFix) -> tuple[TextEdit, ...]:
        """Convert one fix whole or not at all: half a fix is none."""
        edits = []
        for change in fix.artifact_changes or []:
            for replacement in change.replacements or []:
                try:
                    path = self.files.place(change.artifact_location).path
                    region = self.offsets.region(change.artifact_location, replacement.deleted_region or Region())
                    edits.append(_edit(path, region, replacement.inserted_content))
                except ItemRefused:
                    return ()
        return tuple(edits)


def _edit(path: str, region: Region, inserted: Content | None) -> TextEdit:
    """Convert one replacement; a region without lines can't be placed."""
    first = line_of(region.start_line)
    if first is None:
        raise ItemRefused("has a fix without lines")
    last = line_of(region.end_line) or first
    text = (inserted.text if inserted else None) or ""
    left, right = line_of(region.start_column), line_of(region.end_column)
    if left is None and right is None:
        whole = text if not text or text.endswith("\n") else f"{text}\n"
        return TextEdit(path=path, start_line=first, end_line=last, text=whole)
    if right is None:
        raise ItemRefused("has a fix without an end")
    return TextEdit(path=path, start_line=first, end_line=last, text=text, start_column=left or 1, end_column=right)


def commit_of(run: Run) -> str | None:
    """Return the commit a run says it read; None when it names none, or several of several repositories."""
    said = run.version_control_provenance
    parts = [part for part in said if isinstance(part, dict)] if isinstance(said, list) else []
    names = {str(part.get("revisionId") or "").lower() for part in parts}
    name = names.pop() if len(names) == 1 else ""
    return name if _COMMIT.fullmatch(name) else None


def score_of(seen: Seen) -> float | None:
    """Read `security-severity` of the result or its rule; None when it is no number."""
    for properties in (seen.result.properties, seen.rule.properties):
        value = (properties or {}).get("security-severity")
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            try:
                return float(value)
            except (ValueError, OverflowError):
                continue
    return None


def word_of(seen: Seen, *names: str) -> str | None:
    """Read the first of these properties of the result or its rule that is a text."""
    for properties in (seen.result.properties, seen.rule.properties):
        for name in names:
            value = (properties or {}).get(name)
            if isinstance(value, str):
                return value
    return None


def named_severity(finding: RawFinding, scale: str, word: str | None, score: float | None = None) -> RawFinding:
    """Give a finding the severity the tool itself names beside SARIF's level, or the score's.

    A word that is on no scale (unknown, undefined) names none; without a word the level counts.
    """
    if word is None:
        return finding
    known = (severity.from_word(scale, word), severity.from_score(score))
    kept = tuple(flag for flag in finding.flags if flag != severity.UNKNOWN_FLAG)
    return msgspec.structs.replace(finding, severity=severity.first(*known), flags=(*kept, *severity.flags_for(*known)))


def text_of(message: Message | None) -> str:
    """Text of a message, or its markdown, or nothing."""
    return (message.text or message.markdown or "") if message else ""


def _snippet(physical: PhysicalLocation) -> str | None:
    for region in (physical.region, physical.context_region):
        if region and region.snippet and region.snippet.text:
            return region.snippet.text
    return None


def _suppressed(result: Result) -> tuple[str, ...]:
    """A result is suppressed when all its suppressions are accepted: none is rejected or under review."""
    said = {(suppression.status or ACCEPTED).lower() for suppression in result.suppressions or []}
    return ("suppressed",) if said == {ACCEPTED} else ()
