"""The questions of the retrieval benchmark: findings whose right passages are known, and what each must not be shown.

Three kinds, all of findings as scanners report them:

- `cwe`: the CWE is known and withheld. It comes from the report itself, from a tool's list of rules, or, for
  scanners that name none, from `pipeline/knowledge/rules.yaml`, read by hand.
- `advisory`: another scanner's passage about the same advisory; identifiers are cut out of what is asked.
- `fix`: a fix of the same rule in other code; pairs of bad and good configurations are the fixes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml
from defusedxml.ElementTree import parse

from pipeline.knowledge.catalogue import weaknesses
from pipeline.knowledge.corpus import advisory_keys, rule_key
from pipeline.knowledge.memory import KnownFix, passage_id
from pipeline.knowledge.rules import short, table
from pipeline.records import Domain, FileLocation, Finding, Rule, Scanner, Severity
from pipeline.scanners.cwe import cwe_numbers
from pipeline.stage import read_records

NEAR = 0.6
"""Jaccard similarity of words from which two rules count as the same."""

PER_CWE = 12
"""At most so many questions of one CWE (or one group of labels) and one tool: no weakness is the benchmark."""

RULES = "a tool's rules"
"""Where a question comes from when no report asks it."""

BY_HAND = "report, labelled by hand"
"""Where one comes from whose report names no CWE."""

_ADVISORY = re.compile(r"(?i)\b(?:CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d+)\b")


class Question(msgspec.Struct, frozen=True):
    """A finding, the passages any of which is right, and those it must not be shown, by id."""

    kind: str
    origin: str
    finding: Finding
    right: frozenset[str]
    withheld: frozenset[str] = frozenset()


def finding(scanner: str, rule: str, message: str, cwes: Iterable[int]) -> Finding:
    """Return a rule of a tool's list as the finding it would be reported as."""
    return Finding(
        fingerprint=hashlib.sha256(f"{scanner}:{rule}:{message}".encode()).hexdigest(),
        scanner=Scanner(name=scanner),
        rule=Rule(id=rule, help=message, cwes=tuple(sorted(set(cwes)))),
        severity=Severity.MEDIUM,
        domain=Domain.SAST,
        location=FileLocation(path="x"),
        message=message,
    )


def read(path: Path) -> Iterator[Finding]:
    """Yield the findings of a file or folder: `findings.jsonl` of a run, or a tool's rules."""
    if path.is_dir():
        for inner in sorted(path.rglob("*.y*ml")):
            yield from read(inner)
    elif path.suffix == ".jsonl":
        yield from read_records(path, Finding)
    elif path.suffix in (".yaml", ".yml"):
        yield from _semgrep_rules(path)
    elif path.suffix == ".json":
        yield from _retire(json.loads(path.read_text()))
    elif path.suffix == ".xml":
        for error in parse(path).getroot().iter("error"):
            if error.get("cwe") and error.get("severity") in ("error", "warning"):
                message = f"{error.get('msg')} {error.get('verbose')}"
                yield finding("cppcheck", error.get("id", ""), message, [int(error.get("cwe", "0"))])
    else:
        for line in path.read_text().splitlines():
            parts = line.split("\t")
            if len(parts) == 3:
                yield finding("flawfinder", parts[0], f"{parts[0]}: {parts[2]}", cwe_numbers(parts[2]))


def _semgrep_rules(path: Path) -> Iterator[Finding]:
    loaded = yaml.safe_load(path.read_text()) or {}
    rules = loaded.get("rules", []) if isinstance(loaded, dict) else loaded
    for rule in rules if isinstance(rules, list) else []:
        metadata = rule.get("metadata", {}) if isinstance(rule, dict) else {}
        if metadata.get("cwe"):
            tool = next((part for part in path.parts if part.endswith("scan")), path.stem)
            yield finding(tool, str(rule.get("id")), str(rule.get("message", "")), cwe_numbers(str(metadata["cwe"])))


def _retire(document: Any) -> Iterator[Finding]:
    for component, entry in sorted(document.items()):
        for number, weakness in enumerate(entry.get("vulnerabilities", []) if isinstance(entry, dict) else []):
            summary = weakness.get("identifiers", {}).get("summary", "")
            if summary and weakness.get("cwe"):
                message = f"{component}: {summary}"
                yield finding("retire", f"{component}-{number}", message, cwe_numbers(*weakness["cwe"]))


def cwe_questions(paths: Iterable[Path]) -> list[Question]:
    """Return one question a rule; near-duplicates of a tool are asked once."""
    known, labelled = weaknesses(), table()
    kept: list[Question] = []
    per: Counter[tuple[str, object]] = Counter()
    seen: dict[str, list[frozenset[str]]] = defaultdict(list)
    for path in paths:
        for one in read(path):
            tool = one.scanner.name
            cwes = [number for number in one.rule.cwes if number in known]
            label = labelled.get((tool, short(tool, one.rule.id)))
            origin = RULES if path.suffix != ".jsonl" else "report" if cwes else BY_HAND
            about: object = cwes[0] if cwes else label.about if label is not None else None
            own = words(one)
            if not about or len(own) < 3 or per[tool, about] >= PER_CWE:
                continue
            if any(jaccard(own, other) >= NEAR for other in seen[tool]):
                continue
            seen[tool].append(own)
            per[tool, about] += 1
            wanted = frozenset(f"CWE-{number}" for number in cwes or (label.cwes if label is not None else ()))
            kept.append(Question("cwe", origin, one, wanted))
    return _withholding(kept)


def _withholding(asked: list[Question]) -> list[Question]:
    bags = [words(one.finding) for one in asked]
    others = [one.finding for one in asked]
    return [msgspec.structs.replace(one, withheld=frozenset(excluded(one.finding, others, bags))) for one in asked]


def excluded(one: Finding, others: list[Finding], bags: list[frozenset[str]]) -> set[str]:
    """Return the passages that give a finding's answer away: its rule's, its likes', a port's of another tool."""
    own = words(one)
    number = re.search(r"\d+$", one.rule.id)
    return {
        f"{other.scanner.name}:{other.rule.id}"
        for other, bag in zip(others, bags, strict=True)
        if (other.scanner.name, other.rule.id) == (one.scanner.name, one.rule.id)
        or jaccard(own, bag) >= NEAR
        or (
            {one.scanner.name, other.scanner.name} == {"ruff", "bandit"}
            and number
            and other.rule.id.endswith(number.group())
        )
    }


def advisory_questions(findings: Iterable[Finding]) -> list[Question]:
    """Return a question for each advisory that another scanner tells of too; no identifier is asked."""
    first = {rule_key(one): one for one in findings if advisory_keys(one)}
    told: dict[str, set[str]] = defaultdict(set)
    for one in first.values():
        for key in advisory_keys(one):
            told[key].add(f"{one.scanner.name}:{one.rule.id}")
    asked = []
    for one in first.values():
        name = f"{one.scanner.name}:{one.rule.id}"
        same = frozenset().union(*(told[key] for key in advisory_keys(one)))
        right = frozenset(other for other in same if not other.startswith(f"{one.scanner.name}:"))
        if right:
            asked.append(Question("advisory", "report", _nameless(one), right, frozenset({name}) | (same - right)))
    return asked


def _nameless(one: Finding) -> Finding:
    rule = one.rule
    bare = msgspec.structs.replace(
        rule, id="advisory", name=_ADVISORY.sub("", rule.name or ""), help=_ADVISORY.sub("", rule.help or "")
    )
    return msgspec.structs.replace(one, rule=bare, aliases=(), message=_ADVISORY.sub("", one.message))


def pair_fixes(findings: Iterable[Finding], pairs: Path) -> list[KnownFix]:
    """Return the good side of each pair as a fix of what was reported in its bad side, in the folder of its number."""
    rows = [json.loads(line) for line in pairs.read_text().splitlines()]
    fixes: dict[int, KnownFix] = {}
    for one in findings:
        folder = str(getattr(one.location, "path", None) or "").partition("/")[0]
        number = int(folder) if folder.isdigit() else len(rows)
        if number < len(rows) and short("trivy", one.rule.id) in rows[number]["ids"]:
            row = rows[number]
            fix = KnownFix(finding=one, path=one.location.path or "", before=row["bad"], replacement=row["good"])  # type: ignore[union-attr]
            fixes.setdefault(number, fix)
    return [fixes[number] for number in sorted(fixes)]


def fix_questions(fixes: list[KnownFix]) -> list[Question]:
    """Return a question for each fix whose rule has another: which other fixes are of its rule?"""
    same: dict[str, set[str]] = defaultdict(set)
    for fix in fixes:
        same[rule_key(fix.finding)].add(passage_id(fix))
    return [
        Question("fix", "report", fix.finding, right, frozenset({passage_id(fix)}))
        for fix in fixes
        if (right := frozenset(same[rule_key(fix.finding)] - {passage_id(fix)}))
    ]


def words(one: Finding) -> frozenset[str]:
    """Return the words by which two rules are compared."""
    return frozenset(re.findall(r"[a-z]{3,}", f"{one.rule.name} {one.message}".lower()))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return shared words / all words."""
    return len(one & other) / max(1, len(one | other))
