"""Retrieval measured: is a right passage among the first ten, when nothing but likeness leads to it?

`benchmarks/questions.py` says what is asked. The question's own rule, every rule with the same or nearly the
same words, and the same rule of a tool that ports another's (ruff S = Bandit B) are withheld from it. Weights are
chosen on one half of the questions, by digest of the finding, and scored on the other half, both ways round.

    python -m benchmarks.retrieval FILE... [--pairs PAIRS] [--in-use] [--reports] [--other-scanners] [--json OUT]

`--in-use` scores the weights the product has and chooses none; `--reports` asks only what real reports ask
(tools' rules stay in the index). The weights in use were chosen without any question labelled by hand.
The index knows the CWEs of rules that were labelled by hand, as the product does; `--other-scanners` withholds
from a question labelled so every rule of its own scanner that was: only other scanners' labels are left.

FILE is a findings.jsonl of a run, a Semgrep rule file or folder (YAML), RetireJsVulns.json,
the output of `cppcheck --errorlist` (XML) or of `flawfinder --listrules` (text). PAIRS is trivy-fix-pairs.jsonl,
with a run among FILE that read Trivy's report of the bad sides, each in a folder of its number.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.questions import (
    BY_HAND,
    RULES,
    Question,
    advisory_questions,
    cwe_questions,
    fix_questions,
    pair_fixes,
    read,
)
from pipeline.knowledge.catalogue import catalogue_entries
from pipeline.knowledge.corpus import fix_entries, report_entries
from pipeline.knowledge.interface import Entry
from pipeline.knowledge.query import query_of
from pipeline.knowledge.retrieval import Features, Retrieval, Weights
from pipeline.knowledge.retrieve import exact_keys, opened_model
from pipeline.knowledge.rules import cwes_of
from pipeline.knowledge.store import Store
from pipeline.records import Finding

GRID = [
    Weights(title=title, words=words, meaning=meaning, prior=prior, neighbour=neighbour)
    for title in (0.0, 0.15, 0.3)
    for words in (0.2, 0.35, 0.5)
    for meaning in (0.3, 0.6, 1.0)
    for prior in (0.1, 0.2, 0.35)
    for neighbour in (0.0, 0.25, 0.5, 1.0, 2.0)
]
FEW = [weights for weights in GRID if weights.prior == 0.1 and weights.neighbour == 0]
"""Fixes and advisories have no neighbours that vote, and one prior."""

KEYWORD = [Weights(title=0, words=1, meaning=0, prior=0, neighbour=0)]
VECTOR = [Weights(title=0, words=0, meaning=1, prior=0, neighbour=0)]
GRIDS = {
    "cwe": {
        "keyword": KEYWORD,
        "vector": VECTOR,
        "hybrid, catalogue alone": [weights for weights in GRID if weights.neighbour == 0],
        "hybrid, with other rules": GRID,
    },
    "advisory": {"keyword": KEYWORD, "vector": VECTOR, "hybrid": FEW},
    "fix": {"keyword": KEYWORD, "vector": VECTOR, "hybrid": FEW},
}


class Measured:
    """The questions of one kind with what the index says of each.

    Weights are chosen on one half and scored on the other, both ways round, so that every question
    is scored once, by weights that never saw it.
    """

    def __init__(self, asked: Sequence[Question], features: Sequence[dict[int, Features]], retrieval: Retrieval):
        self.asked, self.features, self.retrieval = asked, features, retrieval
        sides = [int(one.finding.fingerprint[:8], 16) % 2 for one in asked]
        self.halves = [[row for row, side in enumerate(sides) if side == wanted] for wanted in (0, 1)]

    def places(self, rows: Sequence[int], weights: Weights) -> list[int]:
        """Return, for each question, the place of its first right passage, 0 when it isn't among the first 10."""
        return [self._place(row, weights) for row in rows]

    def crossed(self, grid: list[Weights]) -> tuple[dict[int, int], list[Weights]]:
        """Return the place of each question by weights chosen on the other half, and those weights."""
        places: dict[int, int] = {}
        picked = [self._chosen(half, grid) for half in self.halves]
        for rows, weights in zip(self.halves, reversed(picked), strict=True):
            places |= dict(zip(rows, self.places(rows, weights), strict=True))
        return places, picked

    def _place(self, row: int, weights: Weights) -> int:
        one = self.asked[row]
        ranked = self.retrieval.combine(self.features[row], 10, groups=(one.kind,), weights=weights)
        right = (place for place, scored in enumerate(ranked, 1) if scored.entry.passage.id in one.right)
        return next(right, 0)

    def _chosen(self, rows: Sequence[int], grid: list[Weights]) -> Weights:
        def worth(weights: Weights) -> float:
            found = scores(self.places(rows, weights))
            return found["recall@5"] + found["MRR"]

        return max(grid, key=worth) if len(grid) > 1 else grid[0]


def scores(found: Sequence[int]) -> dict[str, float]:
    """Return recall and mean reciprocal rank of places, 0 being nowhere."""
    total = max(1, len(found))
    recall = {f"recall@{k}": round(sum(0 < place <= k for place in found) / total, 3) for k in (1, 5, 10)}
    return recall | {"MRR": round(sum(1 / place for place in found if place) / total, 3), "questions": len(found)}


def report(kind: str, measured: Measured, in_use: bool) -> dict[str, Any]:
    """Print and return the scores of one kind by method, those of CWEs by where they come from and by tool too."""
    rows: dict[str, Any] = {}
    places: dict[int, int] = {}
    print(kind, dict(Counter(one.origin for one in measured.asked)), flush=True)
    grids = {"keyword": KEYWORD, "vector": VECTOR, "hybrid, as in use": [Weights()]} if in_use else GRIDS[kind]
    for name, grid in grids.items():
        places, picked = measured.crossed(grid)
        rows[name] = scores(list(places.values()))
        print(f"  {name:26}", rows[name], flush=True)
        for origin in sorted({one.origin for one in measured.asked}) if kind == "cwe" else ():
            part = scores([place for row, place in places.items() if measured.asked[row].origin == origin])
            rows[f"{name}: {origin}"] = part
            print(f"    {origin:26}", part)
        if len(grid) > 1:
            print("  ", *picked)
    for tool in sorted({one.finding.scanner.name for one in measured.asked}):
        mine = [place for row, place in places.items() if measured.asked[row].finding.scanner.name == tool]
        print(f"    {tool:14}", scores(mine))
    if not in_use:
        print("  weights in use", scores(measured.places(range(len(measured.asked)), Weights())))
    if kind == "cwe":
        for least in (0.0, 0.8, 1.2, 1.6, 2.0):
            print(f"  least score {least}:", certainty(measured, least))
    return rows


def certainty(measured: Measured, least: float) -> dict[str, float]:
    """Return how often anything is shown with a least score, and how often its first is right."""
    first = [measured.retrieval.combine(parts, 1, groups=("cwe",)) for parts in measured.features]
    answered = [(ranked[0], one) for ranked, one in zip(first, measured.asked, strict=True) if ranked]
    shown = [(scored, one) for scored, one in answered if scored.score >= least]
    right = sum(scored.entry.passage.id in one.right for scored, one in shown)
    return {"shown": round(len(shown) / len(first), 3), "right": round(right / max(1, len(shown)), 3)}


def looked_up(findings: Sequence[Finding], store: Store) -> None:
    """Print how many of the names that reports give lead to their passage: CWEs, rules with help, advisories."""
    asked: Counter[str] = Counter()
    found: Counter[str] = Counter()
    lacking: Counter[str] = Counter()
    for one in findings:
        for key in exact_keys(one):
            kind = key.partition(":")[0]
            asked[kind] += 1
            found[kind] += bool(store.lookup([key]))
            lacking[key] += kind == "cwe" and not store.lookup([key])
    print("looked up", {kind: f"{found[kind]} of {asked[kind]}" for kind in asked}, "not there:", dict(+lacking))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--in-use", action="store_true")
    parser.add_argument("--reports", action="store_true")
    parser.add_argument("--other-scanners", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    reported = [one for path in arguments.files if path.suffix == ".jsonl" for one in read(path)]
    fixes = pair_fixes(reported, arguments.pairs) if arguments.pairs else []
    asked = [*cwe_questions(arguments.files), *advisory_questions(reported), *fix_questions(fixes)]
    told = [*reported, *(one.finding for one in asked if one.kind == "cwe")]
    if arguments.reports:
        asked = [one for one in asked if one.origin != RULES]
    if arguments.other_scanners:
        asked = strangers_only(asked, told)
    entries = {entry.passage.id: entry for entry in (*catalogue_entries(), *report_entries(told), *fix_entries(fixes))}
    rows = measure(asked, [entries[name] for name in sorted(entries)], reported, arguments.in_use)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1))


def strangers_only(asked: Sequence[Question], told: Sequence[Finding]) -> list[Question]:
    """Withhold, from questions labelled by hand, the rules of their own scanner whose CWEs are known by hand."""
    own: dict[str, set[str]] = defaultdict(set)
    for one in told:
        if cwes_of(one) and not one.rule.cwes:
            own[one.scanner.name].add(f"{one.scanner.name}:{one.rule.id}")
    return [
        one
        if one.origin != BY_HAND
        else msgspec.structs.replace(one, withheld=one.withheld | own[one.finding.scanner.name])
        for one in asked
    ]


def measure(
    asked: Sequence[Question], entries: Sequence[Entry], reported: Sequence[Finding], in_use: bool
) -> dict[str, Any]:
    """Ask one index of everything all questions; return the scores by kind."""
    with tempfile.TemporaryDirectory() as folder, opened_model("embedded") as model:
        store = Store(Path(folder) / "index.sqlite", model)
        store.synchronise(entries)
        print("index", dict(Counter(entry.group for entry in entries)), flush=True)
        looked_up(reported, store)
        retrieval = Retrieval(store, model)
        questions = [query_of(one.finding) for one in asked]
        vectors = model.embed([one.meaning for one in questions]) if model is not None else [None] * len(questions)
        started = time.process_time()
        features = [
            retrieval.features(question, exclude=one.withheld, meaning=vector)
            for one, question, vector in zip(asked, questions, vectors, strict=True)
        ]
        print("asked in", round((time.process_time() - started) / len(asked) * 1000, 1), "ms CPU each", flush=True)
        rows = {}
        for kind in GRIDS:
            of_kind = [row for row, one in enumerate(asked) if one.kind == kind]
            if of_kind:
                chosen = Measured([asked[row] for row in of_kind], [features[row] for row in of_kind], retrieval)
                rows[kind] = report(kind, chosen, in_use)
        store.close()
    return rows


if __name__ == "__main__":
    main()
