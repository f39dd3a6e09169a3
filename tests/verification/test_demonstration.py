"""The demonstration, mined and verified: what people really fixed is found, what they only hid is not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from config.settings import Settings
from pipeline.artifacts.collect import Collect
from pipeline.findings.parse import Parse
from pipeline.fixes.mine import Mine
from pipeline.records import Finding, Fix, FixSource, Outcome, PackageLocation, Verdict
from pipeline.source.locate import Locate
from pipeline.stage import RunFolder, read_records
from pipeline.verification.verify import Verify
from tests.verification.demonstration import DEMO, RULES, request
from tests.verification.trees import installed, settings


class Outcomes:
    """What a run through the demonstration gave."""

    def __init__(self, folder: Path, chosen: Settings) -> None:
        run = RunFolder(folder / "runs" / "one", "test")
        for stage in (Collect(), Parse(), Locate(), Mine(), Verify()):
            run.execute(stage, chosen, request(), lambda progress: None)
        self.fixes = list(read_records(run.folder("mine") / "fixes.jsonl", Fix))
        self.verdicts = list(read_records(run.folder("verify") / "verdicts.jsonl", Verdict))
        self.bytes = (
            (run.folder("mine") / "fixes.jsonl").read_bytes(),
            (run.folder("verify") / "verdicts.jsonl").read_bytes(),
        )
        read = [
            *read_records(run.folder("parse") / "earlier.jsonl", Finding),
            *read_records(run.folder("parse") / "findings.jsonl", Finding),
        ]
        self.findings = {one.fingerprint: one for one in read}

    def mined(self, kind):
        """For the entries of a kind in expected.json that match a finding: was a history fix mined?"""
        history = {fix.fingerprint for fix in self.fixes if fix.source is FixSource.HISTORY}
        answers = []
        for entry in json.loads((DEMO / "expected.json").read_text())[kind]:
            for finding in self.findings.values():
                if finding.scanner.name == entry["scanner"] and self.is_entry(finding, entry):
                    answers.append(finding.fingerprint in history)
                    break
        return answers

    @staticmethod
    def is_entry(finding, entry):
        rule = entry["rule"].rpartition("/")[2]
        if isinstance(finding.location, PackageLocation):
            return finding.rule.id == rule and finding.location.name == entry.get("package")
        place = finding.location.path, finding.location.start_line
        return finding.rule.id.endswith(rule) and place == (entry["path"], entry["line"])


@pytest.fixture(scope="module")
def without_scanners(tmp_path_factory):
    programs = tuple(
        f"{name}=/nowhere"
        for name in ("semgrep", "bandit", "checkov", "trivy", "hadolint", "zizmor", "gitleaks", "ruff")
    )
    return Outcomes(tmp_path_factory.mktemp("bare"), Settings(verification=settings(programs=programs)))


def test_what_was_only_hidden_is_never_mined(without_scanners):
    for kind in ("deleted", "suppressed", "moved"):
        answers = without_scanners.mined(kind)
        assert not any(answers)
    assert sum(len(without_scanners.mined(kind)) for kind in ("deleted", "suppressed", "moved")) >= 10


def test_what_was_fixed_is_mined(without_scanners):
    answers = without_scanners.mined("fixed")
    assert len(answers) >= 140  # of them 3 hold an e-mail address and 5 were mended outside their block
    assert sum(answers) / len(answers) >= 0.93


def test_every_fix_has_a_verdict_in_order(without_scanners):
    assert [verdict.fingerprint for verdict in without_scanners.verdicts] == [
        fix.fingerprint for fix in without_scanners.fixes
    ]
    assert Counter(verdict.outcome for verdict in without_scanners.verdicts)[Outcome.VERIFIED] >= 150


def test_no_fix_shows_a_planted_secret(without_scanners):
    text = b"".join(without_scanners.bytes).decode()
    for secret in ("AKIAQ3EGRDEM2FIXSM7H", "bk_9f2c7d41ae5b8036c1d7e94f20ab63d8", "q7Vd2mX9bT4kL8sR1wZ6yH3n"):
        assert secret not in text


@pytest.mark.slow
def test_real_scanners_confirm_what_people_fixed(tmp_path):
    chosen = settings(semgrep_rules=str(RULES))
    if len(installed(chosen)) < 6:
        pytest.skip("needs six scanners: name them in FIXSMITH_VERIFICATION_PROGRAMS")
    outcomes = Outcomes(tmp_path / "a", Settings(verification=chosen))
    history = {fix.fingerprint for fix in outcomes.fixes if fix.source is FixSource.HISTORY}
    verdicts = [verdict for verdict in outcomes.verdicts if verdict.fingerprint in history]
    assert len(verdicts) >= 150
    assert sum(verdict.outcome is Outcome.VERIFIED for verdict in verdicts) / len(verdicts) >= 0.95
    scanners = {outcomes.findings[verdict.fingerprint].scanner.name for verdict in verdicts}
    assert len(scanners) >= 6
