"""What the knowledge base is made of: the catalogue, the reports, the user's notes, verified fixes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.knowledge.catalogue import catalogue_entries
from pipeline.knowledge.interface import MAX_TEXT, Entry
from pipeline.knowledge.memory import KnownFix, passage_id
from pipeline.knowledge.neutral import neutral
from pipeline.knowledge.notes import note_entries
from pipeline.knowledge.query import query_of
from pipeline.knowledge.rules import cwes_of
from pipeline.records import Finding, ImageLocation, PackageLocation, Passage

MIN_HELP = 40
MAX_CHANGE = 400
"""Characters shown of each side of a known fix."""

_ADVISORY = re.compile(
    r"\b(?:CVE-\d{4}-\d{4,7}|GHSA(?:-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d+|RUSTSEC-\d{4}-\d+|GO-\d{4}-\d+)\b"
)


def entries(findings: Iterable[Finding], notes: Path | None, fixes: Iterable[KnownFix]) -> list[Entry]:
    """Return the whole corpus, sorted by id and each id once: equal inputs give equal lists."""
    found = list(findings)
    parts = [catalogue_entries(), report_entries(found), note_entries(notes), fix_entries(fixes)]
    by_id = {entry.passage.id: entry for part in parts for entry in part}
    return [by_id[name] for name in sorted(by_id)]


def rule_key(finding: Finding) -> str:
    """Return what a rule's passage is looked up by."""
    return f"rule:{finding.scanner.name}:{finding.rule.id}"


def advisory_keys(finding: Finding) -> tuple[str, ...]:
    """Return what a finding's advisories are looked up by: the identifiers it goes by, sorted."""
    names = {name for text in (finding.rule.id, *finding.aliases) for name in _ADVISORY.findall(text)}
    return tuple(f"advisory:{name}" for name in sorted(names))


def report_entries(findings: Iterable[Finding]) -> Iterator[Entry]:
    """Yield what the reports say of their rules and of advisories, each once."""
    rules: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        rules[rule_key(finding)].append(finding)
    for key, group in sorted(rules.items()):
        entry = _rule_entry(key, min(group, key=lambda finding: (-len(finding.rule.help or ""), finding.fingerprint)))
        if entry is not None:
            yield entry


def fix_entries(fixes: Iterable[KnownFix]) -> Iterator[Entry]:
    """Yield a passage for each verified fix."""
    for fix in fixes:
        yield _fix_entry(fix)


def _rule_entry(key: str, finding: Finding) -> Entry | None:
    rule, advisories = finding.rule, advisory_keys(finding)
    text = neutral(rule.help or (finding.message if advisories else ""))[:MAX_TEXT]
    if len(text) < MIN_HELP:
        return None
    name = neutral(rule.name or "") or rule.id
    return Entry(
        passage=Passage(
            id=f"{finding.scanner.name}:{rule.id}",
            title=neutral(f"{finding.scanner.name} {rule.id}{'' if name == rule.id else f': {name}'}"),
            text=text,
            source=neutral(f"{finding.scanner.name}'s own report"),
            licence="the scanner's own, for use with its report",
            cwe=rule.cwes[0] if rule.cwes else None,
        ),
        group="advisory" if advisories else "rule",
        title=f"{name} {rule.id}",
        summary=text,
        body=_package(finding),
        votes=rule.cwes[:1] or cwes_of(finding),
        meaning=f"{name}. {text[:400]}",
        keys=(key, *advisories),
        prior=0.5,
    )


def _package(finding: Finding) -> str:
    location = finding.location
    if isinstance(location, PackageLocation):
        return f"{location.ecosystem} {location.name}"
    return location.package or "" if isinstance(location, ImageLocation) else ""


def _fix_entry(fix: KnownFix) -> Entry:
    finding, rule = fix.finding, fix.finding.rule
    text = neutral(f"Fixed:\n{_lines(fix.replacement)}\nWas:\n{_lines(fix.before)}")
    return Entry(
        passage=Passage(
            id=passage_id(fix),
            title=f"A verified fix of {neutral(rule.id)} in this repository",
            text=text,
            source=neutral(f"this repository, {fix.path}"),
            licence="the repository's own",
            cwe=rule.cwes[0] if rule.cwes else None,
        ),
        group="fix",
        title=f"{rule.name or ''} {rule.id}",
        summary=neutral(finding.message[:300]),
        body=text,
        meaning=query_of(finding).meaning,
        keys=(passage_id(fix),),
        votes=rule.cwes[:1],
        prior=0.8,
    )


def _lines(text: str) -> str:
    """Return the beginning of a change, whole lines as far as there is room; nothing is said to be nothing."""
    kept: list[str] = []
    size = 0
    for line in text.rstrip("\n").split("\n"):
        size += len(line) + 1
        if kept and size > MAX_CHANGE:
            return "\n".join([*kept, "…"])
        kept.append(line[:MAX_CHANGE])
    return "\n".join(kept) if text.strip() else "(nothing)"
