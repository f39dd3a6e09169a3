"""Verdicts with real scanners: ruff is always here, the others where they are installed."""
# ruff: noqa: E501 - texts in tables

from __future__ import annotations

import pytest

from pipeline.records import FixSource, Outcome
from pipeline.verification.service import TWO_SCANS, Proposal, Service, fix_digest
from tests.verification.trees import finding, fix, installed, settings, snapshot

TEXT = "import hashlib\nimport subprocess\n\n\ndef run(command, content):\n    subprocess.run(command, shell=True)\n    return hashlib.md5(content).hexdigest()\n"


def verify(about, change, text=TEXT, path="a.py", twice=False, **changes):
    (verdict,) = Service(settings(**changes)).verify([Proposal(about, change, snapshot({path: text}), twice)])
    return verdict


def ruff(rule, line):
    return finding("a.py", line, scanner="ruff", rule=rule)


def test_a_fix_that_the_scanner_confirms_is_verified():
    change = fix(ruff("S602", 6), TEXT, 6, 6, "    subprocess.run(command.split(), check=True)\n")
    verdict = verify(ruff("S602", 6), change)
    assert verdict.outcome is Outcome.VERIFIED, verdict
    assert verdict.evidence.startswith("scanned again with ruff")
    assert verdict.fix == fix_digest(change)


def test_a_fix_that_leaves_the_weakness_is_refuted():
    about = ruff("S324", 7)
    verdict = verify(about, fix(about, TEXT, 7, 7, "    return hashlib.sha1(content).hexdigest()\n"))
    assert (verdict.outcome, verdict.check) == (Outcome.REFUTED, "finding gone")


def test_a_fix_that_brings_something_as_bad_is_refuted():
    about = ruff("S324", 7)
    verdict = verify(
        about, fix(about, TEXT, 7, 7, "    return eval(content, shell, True)\n".replace("eval", "subprocess.getoutput"))
    )
    assert verdict.outcome is Outcome.REFUTED


def test_moving_the_weakness_is_refuted_by_the_scan():
    about = ruff("S324", 7)
    moved = "    return digest(content)\n\n\ndef digest(content):\n    return hashlib.md5(content).hexdigest()\n"
    verdict = verify(about, fix(about, TEXT, 7, 7, moved))
    assert verdict.outcome is Outcome.REFUTED


def test_a_missing_scanner_verifies_nothing():
    about = finding("a.py", 7, scanner="checkov")
    verdict = verify(
        about,
        fix(about, TEXT, 7, 7, "    return hashlib.sha256(content).hexdigest()\n"),
        programs=("checkov=/nowhere",),
    )
    assert (verdict.outcome, verdict.evidence) == (Outcome.UNVERIFIABLE, "checkov isn't installed")


def test_an_unknown_scanner_verifies_nothing():
    about = finding("a.py", 7, scanner="Fortify")
    verdict = verify(about, fix(about, TEXT, 7, 7, "    return hashlib.sha256(content).hexdigest()\n"))
    assert verdict.outcome is Outcome.UNVERIFIABLE


def test_semgrep_without_rules_verifies_nothing(tmp_path):
    about = finding("a.py", 7, scanner="semgrep", rule="weak-hash")
    change = fix(about, TEXT, 7, 7, "    return hashlib.sha256(content).hexdigest()\n")
    (tmp_path / "semgrep").write_text("#!/bin/sh\n")
    (tmp_path / "semgrep").chmod(0o755)
    verdict = verify(about, change, programs=(f"semgrep={tmp_path / 'semgrep'}",), semgrep_rules="")
    assert (verdict.outcome, verdict.evidence) == (Outcome.UNVERIFIABLE, "the rules of semgrep aren't available")


def test_two_scans_stand_in_for_a_missing_scanner_but_not_for_the_other_checks():
    about = finding("a.py", 7, scanner="checkov")
    good = fix(about, TEXT, 7, 7, "    return hashlib.sha256(content).hexdigest()\n")
    history = type(good)(
        **{name: getattr(good, name) for name in good.__struct_fields__} | {"source": FixSource.HISTORY}
    )
    missing = ("checkov=/nowhere",)
    assert verify(about, history, twice=True, programs=missing).evidence == TWO_SCANS
    assert verify(about, good, twice=True, programs=missing).outcome is Outcome.UNVERIFIABLE
    broken = type(good)(
        **{name: getattr(history, name) for name in good.__struct_fields__}
        | {"replacement": "    return hashlib.sha256(content\n"}
    )
    assert verify(about, broken, twice=True, programs=missing).check == "syntax"


def test_tests_are_run_when_a_command_is_configured():
    about = ruff("S602", 6)
    change = fix(about, TEXT, 6, 6, "    subprocess.run(command.split(), check=True)\n")
    passing = verify(about, change, test_command="grep -q check=True a.py")
    assert passing.evidence.endswith("tests pass")
    failing = verify(about, change, test_command="grep -q shell=True a.py")
    assert (failing.outcome, failing.check) == (Outcome.REFUTED, "tests")


SCANNERS = [
    ("bandit", "B602", "a.py", TEXT, 6, "    subprocess.run(command.split(), check=True)\n"),
    ("bandit", "B324", "a.py", TEXT, 7, "    return hashlib.sha256(content).hexdigest()\n"),
    ("hadolint", "DL3009", "Dockerfile", "FROM debian:12\nRUN apt-get update && apt-get install -y curl=1\n", 2,
     "RUN apt-get update && apt-get install -y curl=1 && rm -rf /var/lib/apt/lists/*\n"),
    ("zizmor", "template-injection", ".github/workflows/ci.yml",
     "on: pull_request\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ github.head_ref }}\n", 7,
     "      - run: echo $REF\n        env:\n          REF: ${{ github.head_ref }}\n"),
    ("trivy", "AVD-AWS-0080", "main.tf", 'resource "aws_db_instance" "d" {\n  storage_encrypted = false\n}\n', 2, "  storage_encrypted = true\n"),
    ("checkov", "CKV_AWS_16", "main.tf", 'resource "aws_db_instance" "d" {\n  storage_encrypted = false\n}\n', 2, "  storage_encrypted = true\n"),
    ("gitleaks", "aws-access-token", "a.py", 'import os\n\nKEY = "AKIAQ3EGRDEM2FIXSM7H"\n', 3, 'KEY = os.environ["KEY"]\n'),
]  # fmt: skip


@pytest.mark.parametrize(("scanner", "rule", "path", "text", "line", "replacement"), SCANNERS)
def test_each_installed_scanner_confirms_a_fix_and_not_a_comment(scanner, rule, path, text, line, replacement):
    if scanner not in installed(settings()):
        pytest.skip(f"{scanner} isn't installed")
    about = finding(path, line, scanner=scanner, rule=rule)
    good = verify(about, fix(about, text, line, line, replacement), text=text, path=path)
    assert good.outcome is Outcome.VERIFIED, good
    original = text.splitlines(keepends=True)[line - 1]
    extra = "\n" if path.endswith("Dockerfile") else "# reviewed\n"
    bad = verify(about, fix(about, text, line, line, original + extra), text=text, path=path)
    assert bad.outcome is Outcome.REFUTED
