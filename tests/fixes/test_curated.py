"""Curated transformations: several right ways for a finding, each confirmed by the scanner or not at all."""

from __future__ import annotations

import pytest

from pipeline.fixes.curated import Curated
from pipeline.fixes.interface import Case
from pipeline.verification.service import Proposal, Service
from tests.verification.trees import finding, settings, snapshot

CASES = [
    ("S324", "import hashlib\n\nhashlib.md5(b'x')\n", 3, 2),
    ("S506", "import yaml\nstream = None\nyaml.load(stream, Loader=yaml.Loader)\n", 3, 2),
    ("S501", "import requests\n\nrequests.get('x', verify=False, timeout=3)\n", 3, 1),
    ("S113", "import requests\n\nrequests.get('x')\n", 3, 1),
]


@pytest.mark.parametrize(("rule", "text", "line", "count"), CASES)
def test_each_proposal_is_confirmed_by_ruff(rule, text, line, count):
    here = snapshot({"a.py": text})
    about = finding("a.py", line, scanner="ruff", rule=rule)
    fixes = list(Curated().propose(Case(about, here)))
    verdicts = Service(settings()).verify([Proposal(about, fix, here) for fix in fixes])
    verified = [verdict for verdict in verdicts if verdict.outcome == "verified"]
    assert len(verified) == count, verdicts
    assert all(fix.note for fix in fixes)


def test_a_rule_without_a_transformation_gets_none():
    here = snapshot({"a.py": "x = 1\n"})
    assert not list(Curated().propose(Case(finding("a.py", 1, rule="B999"), here)))
