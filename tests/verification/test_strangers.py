"""Cases written by somebody who saw only the brief: every cheat is refused, every idiomatic fix is verified."""

from __future__ import annotations

from itertools import chain

import pytest

from pipeline.records import Outcome
from pipeline.verification.runners.registry import RUNNERS
from pipeline.verification.service import Proposal, Service
from tests.verification.demonstration import RULES
from tests.verification.strangers import commands, containers, data, infrastructure, packages, scripts, second, secrets
from tests.verification.trees import installed, settings

WEAKNESSES = tuple(
    chain.from_iterable(
        room.WEAKNESSES for room in (commands, data, secrets, infrastructure, containers, scripts, second)
    )
)
SEEN_BY_A_SCAN = {"finding gone", "nothing new"}


def goods(names=None):
    """(name, proposal) for each right fix of the scanners named, of all without names."""
    for one in WEAKNESSES:
        if names is None or one.scanner in names:
            for name, fix in one.goods():
                yield f"{one.rule}: {name}", Proposal(one.about(), fix, one.here())


def bads(names=None):
    """(checks that may refuse it, name, proposal) for each cheat."""
    for one in WEAKNESSES:
        if names is None or one.scanner in names:
            for checks, name, fix in one.bads():
                yield set(checks.split("|")), f"{one.rule}: {name}", Proposal(one.about(), fix, one.here())


def test_there_are_enough_of_them():
    assert len(list(bads())) >= 400
    assert len(list(goods())) >= 160
    assert len({one.scanner for one in WEAKNESSES}) == 11


def test_what_no_scanner_has_to_see_is_refused_by_the_right_check_and_right_fixes_are_not():
    service = Service(settings(programs=tuple(f"{runner.name}=/nowhere" for runner in RUNNERS)))
    cheats = [case for case in bads() if not case[0] & SEEN_BY_A_SCAN]
    verdicts = service.verify([proposal for _, _, proposal in cheats])
    missed = [(name, verdict.check, verdict.evidence)
              for (checks, name, _), verdict in zip(cheats, verdicts, strict=True)
              if verdict.outcome is not Outcome.REFUTED or verdict.check not in checks]  # fmt: skip
    assert missed == []
    right = list(goods())
    verdicts = service.verify([proposal for _, proposal in right])
    refused = [(name, verdict.evidence) for (name, _), verdict in zip(right, verdicts, strict=True)
               if verdict.outcome is Outcome.REFUTED]  # fmt: skip
    assert refused == []


def test_upgrades_in_odd_manifests_are_verified_and_what_leaves_the_weak_version_in_is_refused():
    service = Service(settings())
    told = []
    for one in packages.UPGRADES:
        for name, fix in one.goods():
            (verdict,) = service.verify([Proposal(one.about(), fix, one.here())])
            told.append((one.path, name, verdict.outcome, verdict.check) if verdict.outcome != "verified" else None)
        for checks, name, fix in one.bads():
            (verdict,) = service.verify([Proposal(one.about(), fix, one.here())])
            told.append(
                None if verdict.check in checks.split("|") else (one.path, name, verdict.outcome, verdict.check)
            )
    assert [one for one in told if one is not None] == []
    assert len(told) == 70


@pytest.mark.slow
def test_real_scanners_verify_the_right_fixes_and_no_cheat(tmp_path):
    chosen = settings(semgrep_rules=str(RULES))
    names = installed(chosen)
    if len(names) < 6:
        pytest.skip("needs six scanners: name them in FIXSMITH_VERIFICATION_PROGRAMS")
    cheats, right = list(bads(names)), list(goods(names))
    service = Service(chosen, cache=tmp_path)
    verdicts = service.verify([proposal for *_, proposal in (*cheats, *right)])
    missed = [(name, verdict.outcome, verdict.check)
              for (checks, name, _), verdict in zip(cheats, verdicts, strict=False)
              if verdict.outcome is not Outcome.REFUTED or verdict.check not in checks | SEEN_BY_A_SCAN]  # fmt: skip
    assert missed == []
    refused = [(name, verdict.evidence) for (name, _), verdict in zip(right, verdicts[len(cheats) :], strict=True)
               if verdict.outcome is not Outcome.VERIFIED]  # fmt: skip
    assert refused == []
