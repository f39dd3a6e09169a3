"""Bad fixes of the demonstration's findings: every one is refused, whatever scanner found the weakness."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from pipeline.fixes.flagged import flagged_lines
from pipeline.records import Outcome
from pipeline.verification.service import Proposal, Service
from tests.verification.demonstration import RULES, demonstration
from tests.verification.mutants import PRAGMAS, mutants
from tests.verification.trees import installed, settings

PER_SCANNER = 8


def proposals(names):
    """(cheat, proposal) for some findings of each scanner, spread over rules and files."""
    demo = demonstration()
    taken = Counter()
    seen = defaultdict(set)
    for finding in demo.earlier:
        scanner = finding.scanner.name.lower()
        if scanner not in names or taken[scanner] >= PER_SCANNER or finding.rule.id in seen[scanner]:
            continue
        found = flagged_lines(finding, demo.first)
        if found is None or found[1][1] - found[1][0] > 12:
            continue
        taken[scanner] += 1
        seen[scanner].add(finding.rule.id)
        for mutant in mutants(finding, *found):
            yield mutant.cheat, Proposal(finding, mutant.fix, demo.first)


@pytest.mark.slow
def test_no_cheat_is_verified(tmp_path):
    chosen = settings(semgrep_rules=str(RULES))
    names = installed(chosen) & set(PRAGMAS)
    if len(names) < 6:
        pytest.skip(f"needs six scanners, {len(names)} are installed: name them in FIXSMITH_VERIFICATION_PROGRAMS")
    made = list(proposals(names))
    assert len(made) >= 200
    verdicts = Service(chosen, cache=tmp_path).verify([proposal for _, proposal in made])
    passed = [
        (cheat, p.finding.rule.id, p.fix)
        for (cheat, p), v in zip(made, verdicts, strict=True)
        if v.outcome is Outcome.VERIFIED
    ]
    assert passed == []
    unsure = Counter(cheat for (cheat, _), v in zip(made, verdicts, strict=True) if v.outcome is Outcome.UNVERIFIABLE)
    assert not unsure, unsure


def test_cheats_that_show_in_the_text_are_refused_without_any_scanner():
    shown = {
        "suppressed in the line", "suppressed above", "a comment", "commented out", "blank lines", "file emptied",
        "another file", "a scanner's settings", "deleted", "switched off", "syntax broken", "a stub", "made a text",
        "by getattr", "by an alias", "swallowed", "an undefined helper", "secret in two pieces", "secret encoded",
        "secret backwards",
    }  # fmt: skip
    made = [(cheat, proposal) for cheat, proposal in proposals(set(PRAGMAS)) if cheat in shown]
    verdicts = Service(settings(programs=tuple(f"{name}=/nowhere" for name in PRAGMAS))).verify([p for _, p in made])
    missed = [(cheat, p.finding.rule.id, p.fix.replacement) for (cheat, p), v in zip(made, verdicts, strict=True)
              if v.outcome is not Outcome.REFUTED]  # fmt: skip
    assert missed == []
    assert len(made) > 200
