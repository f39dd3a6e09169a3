"""A SARIF run's rules: looked up by index, id, guid or component, with levels and CWEs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pipeline.scanners.cwe import bare_number, cwe_numbers
from pipeline.scanners.document import UNREADABLE, decoder_of, is_cut, reason_of
from pipeline.scanners.interface import Fault
from pipeline.scanners.sarif.schema import (
    Component,
    ComponentReference,
    Configuration,
    Message,
    Result,
    RuleReference,
    RuleText,
    Run,
)

NO_RULE = RuleText()
NOT_FAILED = frozenset({"open", "review", "informational"})
"""Kinds of results whose level is none unless they name one (SARIF 2.1.0, section 3.27.10)."""
LONGEST_MESSAGE = 8_001
"""More than is looked at, so that the end, perhaps half a secret, is dropped."""
MOST_FAULTS = 1_000
"""A run with so many rules that can't be read is no scanner's: the others are left."""

_CWE_PROPERTIES = frozenset({"cwe", "cwes", "cweid", "cweids"})
_TAG_PROPERTIES = frozenset({"tags", "securitystandards"})
_NO_LETTERS = re.compile(r"[^a-z]")
_PLACEHOLDER = re.compile(r"\{(\d{1,3})\}")


class Rules:
    """Every rule of a run's driver and extensions."""

    def __init__(self, run: Run, pointer: str, budget: int) -> None:
        """Take the run's rules; looked-up messages may be `budget` characters long together."""
        self.faults: list[Fault] = []
        self._budget, self._spoken = budget, 0
        self._taxonomies = run.taxonomies or []
        self._components = [driver_of(run), *((run.tool.extensions if run.tool else None) or [])]
        places = [f"{pointer}/tool/driver"]
        places += [f"{pointer}/tool/extensions/{n}" for n in range(len(self._components) - 1)]
        self._rules = [self._decoded(*pair) for pair in zip(self._components, places, strict=True)]
        self._by_id = [{rule.id: rule for rule in reversed(rules) if rule.id} for rules in self._rules]
        self._by_guid = {rule.guid: rule for rules in self._rules for rule in rules if rule.guid}
        self._levels = self._overrides(run)

    def _decoded(self, component: Component, pointer: str) -> list[RuleText]:
        rules = []
        decoder = decoder_of(RuleText)
        for index, raw in enumerate(component.rules or []):
            if len(self.faults) >= MOST_FAULTS:
                left = len(component.rules or []) - index
                self.faults.append(Fault(pointer=f"{pointer}/rules", reason=f"{left} more rules are not read"))
                break
            try:
                rules.append(NO_RULE if is_cut(raw) else decoder.decode(raw))
            except UNREADABLE as error:
                rules.append(NO_RULE)
                self.faults.append(Fault(pointer=f"{pointer}/rules/{index}", reason=reason_of(error)))
        return rules

    def _overrides(self, run: Run) -> dict[int, str]:
        levels = {}
        for invocation in run.invocations or []:
            for override in invocation.rule_configuration_overrides or []:
                level = override.configuration.level if override.configuration else None
                if level and override.descriptor:
                    levels[id(self._referred(override.descriptor))] = level
        return levels

    def of(self, result: Result) -> RuleText:
        """Find a result's rule; `NO_RULE` when the log doesn't describe it."""
        reference = result.rule or RuleReference()
        return self._referred(
            RuleReference(
                id=result.rule_id or reference.id,
                index=reference.index if reference.index is not None else result.rule_index,
                guid=reference.guid,
                tool_component=reference.tool_component,
            )
        )

    def _referred(self, reference: RuleReference) -> RuleText:
        if reference.guid and reference.guid in self._by_guid:
            return self._by_guid[reference.guid]
        home = self._home(reference.tool_component)
        indexed = self._indexed(home, reference)
        if indexed is not None:
            return indexed
        order = [home, *(other for other in range(len(self._rules)) if other != home)]
        name = reference.id or ""
        while name:
            for component in order:
                if name in self._by_id[component]:
                    return self._by_id[component][name]
            name = name.rpartition("/")[0]
        return NO_RULE

    def _indexed(self, home: int, reference: RuleReference) -> RuleText | None:
        if reference.index is None or not 0 <= reference.index < len(self._rules[home]):
            return None
        rule = self._rules[home][reference.index]
        fits = not reference.id or reference.id == rule.id or reference.id.startswith(f"{rule.id}/")
        return rule if fits else None

    def _home(self, component: ComponentReference | None) -> int:
        """Position of the component among driver (0) and extensions (1 and up)."""
        if component is None:
            return 0
        if component.index is not None and 0 <= component.index < len(self._components) - 1:
            return component.index + 1
        for position, known in enumerate(self._components):
            if _is(known, component):
                return position
        return 0

    def level(self, result: Result, rule: RuleText) -> str:
        """Say a result's level: its own, the run's override, the rule's default, or warning; none if it didn't fail."""
        if result.level is None and (result.kind or "").lower() in NOT_FAILED:
            return "none"
        default = rule.default_configuration or Configuration()
        return result.level or self._levels.get(id(rule)) or default.level or "warning"

    def message(self, result: Result, rule: RuleText) -> str:
        """Say a result's message, looked up by id and filled in where it is not given in full."""
        message = result.message or Message()
        if message.text or message.markdown:
            return message.text or message.markdown or ""
        strings = (rule.message_strings or {}).get(message.id or "")
        strings = strings or (self._components[0].global_message_strings or {}).get(message.id or "")
        if self._spoken > self._budget:
            return " ".join(message.arguments or [])[:LONGEST_MESSAGE]
        filled = _filled(strings or Message(), message.arguments or [])
        self._spoken += len(filled)
        return filled

    def cwes(self, result: Result, rule: RuleText) -> tuple[int, ...]:
        """Collect CWE numbers from tags, properties, relationships and taxa."""
        found = {*_cwes_named(rule.properties), *_cwes_named(result.properties), *cwe_numbers(rule.help_uri)}
        targets = [relation.target for relation in rule.relationships or [] if relation.target]
        for taxon in (*targets, *(result.taxa or [])):
            found.update(self._cwe_of(taxon))
        return tuple(sorted(found))

    def _cwe_of(self, taxon: RuleReference) -> tuple[int, ...]:
        component = taxon.tool_component or ComponentReference()
        taxonomy = self._taxonomy(component)
        name = component.name or (taxonomy.name if taxonomy else None) or ""
        identity = taxon.id or _listed(taxonomy.taxa or [] if taxonomy else [], taxon)
        return bare_number(identity) if name.lower() == "cwe" else cwe_numbers(identity)

    def _taxonomy(self, component: ComponentReference) -> Component | None:
        if component.index is not None and 0 <= component.index < len(self._taxonomies):
            return self._taxonomies[component.index]
        return next((known for known in self._taxonomies if _is(known, component)), None)


def driver_of(run: Run) -> Component:
    """Return the tool that wrote a run; one without a name when the run names none."""
    return (run.tool.driver if run.tool else None) or Component()


def _is(known: Component, meant: ComponentReference) -> bool:
    named = meant.name is not None and known.name == meant.name
    return named or (meant.guid is not None and known.guid == meant.guid)


def _listed(taxa: list[RuleReference], taxon: RuleReference) -> str | None:
    """Return the id of a taxon that is meant by its index or guid."""
    if taxon.index is not None and 0 <= taxon.index < len(taxa):
        return taxa[taxon.index].id
    return next((known.id for known in taxa if taxon.guid is not None and known.guid == taxon.guid), None)


def _filled(message: Message, arguments: list[str]) -> str:
    """Put the arguments in their places, up to a length no honest message has."""
    text = (message.text or message.markdown or "")[:LONGEST_MESSAGE]
    parts, length, end = [], 0, 0
    for match in _PLACEHOLDER.finditer(text):
        if length > LONGEST_MESSAGE or int(match[1]) >= len(arguments):
            continue
        parts += [text[end : match.start()], arguments[int(match[1])]]
        length, end = length + len(parts[-2]) + len(parts[-1]), match.end()
    return "".join([*parts, text[end:]])[:LONGEST_MESSAGE]


def _cwes_named(properties: dict[str, Any] | None) -> Iterable[int]:
    """CWEs that a property bag names: in its tags, or in what is called cwe, where numbers may be bare."""
    for name, value in (properties or {}).items():
        plain = _NO_LETTERS.sub("", name.lower())
        read = bare_number if plain in _CWE_PROPERTIES else cwe_numbers if plain in _TAG_PROPERTIES else None
        if read is None:
            continue
        for said in value if isinstance(value, list) else [value]:
            text = said.get("id") if isinstance(said, dict) else said
            if isinstance(text, str | int | float) and not isinstance(text, bool):
                yield from read(str(text).removesuffix(".0"))
