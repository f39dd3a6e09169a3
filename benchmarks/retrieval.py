"""Retrieval measured: is the right CWE among the first passages when the report doesn't name it?

Queries are rules as scanners report them (id, name, message, help), whose CWE is known and is
withheld: it is cut out of every text that is asked. The query's own rule, every rule with the
same or nearly the same words, and the same rule of a tool that ports another's (ruff S = Bandit B)
are taken out of the index for that query. Weights are chosen on one half of the queries, by
digest of their text, and scored on the other half.

    python -m benchmarks.retrieval FILE... [--json OUT]

FILE is a findings.jsonl of a run, a Semgrep rule file or folder (YAML), RetireJsVulns.json,
the output of `cppcheck --errorlist` (XML) or of `flawfinder --listrules` (text).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from defusedxml.ElementTree import parse

from pipeline.knowledge.catalogue import catalogue_entries, weaknesses
from pipeline.knowledge.corpus import report_entries
from pipeline.knowledge.query import query_of
from pipeline.knowledge.retrieval import Retrieval, Weights
from pipeline.knowledge.retrieve import opened_model
from pipeline.knowledge.store import Store
from pipeline.records import Domain, FileLocation, Finding, Rule, Scanner, Severity
from pipeline.scanners.cwe import cwe_numbers
from pipeline.stage import read_records

NEAR = 0.6
"""Jaccard similarity of words from which two rules count as the same."""

PER_CWE = 12
"""At most so many queries of one CWE and one tool, so that no one weakness is the benchmark."""


def finding(scanner: str, rule: str, message: str, cwes: Iterable[int], *, name: str = "", help_: str = "") -> Finding:
    return Finding(
        fingerprint=hashlib.sha256(f"{scanner}:{rule}:{message}".encode()).hexdigest(),
        scanner=Scanner(name=scanner),
        rule=Rule(id=rule, name=name or None, help=help_ or message, cwes=tuple(sorted(set(cwes)))),
        severity=Severity.MEDIUM,
        domain=Domain.SAST,
        location=FileLocation(path="x"),
        message=message,
    )


def read(path: Path) -> Iterator[Finding]:
    """Yield labelled findings of a file or folder."""
    if path.is_dir():
        for inner in sorted(path.rglob("*.y*ml")):
            yield from read(inner)
    elif path.suffix == ".jsonl":
        yield from read_records(path, Finding)
    elif path.suffix in (".yaml", ".yml"):
        yield from semgrep_rules(path)
    elif path.suffix == ".json":
        yield from retire(json.loads(path.read_text()))
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


def semgrep_rules(path: Path) -> Iterator[Finding]:
    loaded = yaml.safe_load(path.read_text()) or {}
    rules = loaded.get("rules", []) if isinstance(loaded, dict) else loaded
    for rule in rules if isinstance(rules, list) else []:
        metadata = rule.get("metadata", {}) if isinstance(rule, dict) else {}
        if metadata.get("cwe"):
            yield finding(
                next((part for part in path.parts if part.endswith("scan")), path.stem),
                str(rule.get("id")),
                str(rule.get("message", "")),
                cwe_numbers(str(metadata["cwe"])),
            )


def retire(document: Any) -> Iterator[Finding]:
    for component, entry in sorted(document.items()):
        for number, weakness in enumerate(entry.get("vulnerabilities", []) if isinstance(entry, dict) else []):
            summary = weakness.get("identifiers", {}).get("summary", "")
            if summary and weakness.get("cwe"):
                yield finding(
                    "retire", f"{component}-{number}", f"{component}: {summary}", cwe_numbers(*weakness["cwe"])
                )


def words(one: Finding) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]{3,}", f"{one.rule.name} {one.message}".lower()))


def queries(paths: list[Path]) -> list[Finding]:
    """Return one finding a rule, those with a CWE in the catalogue, near-duplicates of a tool once."""
    known, kept, per = weaknesses(), [], Counter()
    seen: dict[str, list[frozenset[str]]] = {}
    for one in (one for path in paths for one in read(path)):
        cwes = [number for number in one.rule.cwes if number in known]
        own = words(one)
        if not cwes or len(own) < 3 or per[one.scanner.name, cwes[0]] >= PER_CWE:
            continue
        same = seen.setdefault(one.scanner.name, [])
        if any(jaccard(own, other) >= NEAR for other in same):
            continue
        same.append(own)
        per[one.scanner.name, cwes[0]] += 1
        kept.append(one)
    return kept


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def excluded(one: Finding, others: list[Finding], bags: list[frozenset[str]]) -> set[str]:
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


def ranks(features: list[Any], asked: list[Finding], retrieval: Retrieval, weights: Weights) -> list[int]:
    """Return, for each query, the place of its first right CWE, 0 when it isn't among the first 10."""
    found = []
    for parts, one in zip(features, asked, strict=True):
        ranked = retrieval.combine(parts, 10, groups=("cwe",), weights=weights)
        right = [place for place, scored in enumerate(ranked, 1) if scored.entry.passage.cwe in one.rule.cwes]
        found.append(right[0] if right else 0)
    return found


def scores(found: list[int]) -> dict[str, float]:
    total = max(1, len(found))
    recall = {f"recall@{k}": round(sum(0 < place <= k for place in found) / total, 3) for k in (1, 5, 10)}
    return recall | {"MRR": round(sum(1 / place for place in found if place) / total, 3), "queries": len(found)}


GRID = [
    Weights(title=title, words=words_, meaning=meaning, prior=prior, neighbour=neighbour)
    for title in (0.0, 0.15, 0.3)
    for words_ in (0.2, 0.35, 0.5)
    for meaning in (0.3, 0.6, 1.0)
    for prior in (0.1, 0.2, 0.35)
    for neighbour in (0.0, 0.25, 0.5, 1.0, 2.0)
]


def best(features: list[Any], asked: list[Finding], retrieval: Retrieval, grid: list[Weights]) -> Weights:
    return max(
        grid,
        key=lambda weights: (lambda s: s["recall@5"] + s["MRR"])(scores(ranks(features, asked, retrieval, weights))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    asked = queries(arguments.files)
    bags = [words(one) for one in asked]
    print("queries", len(asked), dict(Counter(one.scanner.name for one in asked)), flush=True)
    with tempfile.TemporaryDirectory() as folder, opened_model("embedded") as model:
        store = Store(Path(folder) / "index.sqlite", model)
        started = time.perf_counter()
        store.synchronise([*catalogue_entries(), *report_entries(asked)])
        print("index", store.count(), "entries", round(time.perf_counter() - started, 1), "s", flush=True)
        retrieval = Retrieval(store, model)
        questions = [query_of(one) for one in asked]
        vectors = model.embed([one.meaning for one in questions])
        started = time.perf_counter()
        features = [
            retrieval.features(question, exclude=excluded(one, asked, bags), meaning=vector)
            for one, question, vector in zip(asked, questions, vectors, strict=True)
        ]
        print("asked in", round((time.perf_counter() - started) / len(asked) * 1000, 1), "ms each", flush=True)
        report(Measured(asked, features, retrieval), arguments.json)
        store.close()


class Measured:
    """The queries with what the index says of each; every figure is over all of them, by two halves.

    Weights are chosen on one half and scored on the other, both ways round, so that every query
    is scored once, by weights that never saw it.
    """

    def __init__(self, asked: list[Finding], features: list[Any], retrieval: Retrieval) -> None:
        self.asked, self.features, self.retrieval = asked, features, retrieval
        sides = [int(one.fingerprint[:8], 16) % 2 for one in asked]
        self.halves = [[row for row, side in enumerate(sides) if side == wanted] for wanted in (0, 1)]

    def places(self, rows: list[int], weights: Weights) -> list[int]:
        return ranks([self.features[row] for row in rows], [self.asked[row] for row in rows], self.retrieval, weights)

    def chosen(self, rows: list[int], grid: list[Weights]) -> Weights:
        return best([self.features[row] for row in rows], [self.asked[row] for row in rows], self.retrieval, grid)

    def crossed(self, grid: list[Weights]) -> tuple[dict[int, int], list[Weights]]:
        places: dict[int, int] = {}
        picked = [self.chosen(half, grid) for half in self.halves]
        for rows, weights in zip(self.halves, reversed(picked), strict=True):
            places |= dict(zip(rows, self.places(rows, weights), strict=True))
        return places, picked


GRIDS = {
    "keyword": [Weights(title=0, words=1, meaning=0, prior=0, neighbour=0)],
    "vector": [Weights(title=0, words=0, meaning=1, prior=0, neighbour=0)],
    "hybrid, catalogue alone": [weights for weights in GRID if weights.neighbour == 0],
    "hybrid, with other rules": GRID,
}


def report(measured: Measured, out: Path | None) -> None:
    rows = {}
    for name, grid in GRIDS.items():
        places, picked = measured.crossed(grid)
        rows[name] = scores(list(places.values()))
        print(f"{name:26}", rows[name], flush=True)
        if len(grid) > 1:
            print(" " * 26, *picked)
    for tool in sorted({one.scanner.name for one in measured.asked}):
        mine = [place for row, place in places.items() if measured.asked[row].scanner.name == tool]
        print(f"  {tool:14}", scores(mine))
    print("weights in use", scores(measured.places(list(range(len(measured.asked))), Weights())))
    for least in (0.0, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2):
        print(f"  least score {least}:", certainty(measured, least))
    if out is not None:
        out.write_text(json.dumps(rows, indent=1))


def certainty(measured: Measured, least: float) -> dict[str, float]:
    """Return how often anything is shown with a least score, and how often its first is right."""
    first = [measured.retrieval.combine(parts, 1, groups=("cwe",)) for parts in measured.features]
    shown = [(ranked[0], one) for ranked, one in zip(first, measured.asked, strict=True) if ranked[0].score >= least]
    right = sum(scored.entry.passage.cwe in one.rule.cwes for scored, one in shown)
    return {"shown": round(len(shown) / len(first), 3), "right": round(right / max(1, len(shown)), 3)}


if __name__ == "__main__":
    main()
