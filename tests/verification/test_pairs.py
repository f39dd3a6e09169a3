# ruff: noqa: UP031 - tables
"""442 bad and good configurations of Trivy's own checks: the good side is verified, the bad side never passes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.records import Domain, FileLocation, Finding, Rule, Scanner, Severity
from pipeline.verification.batch import Batches
from pipeline.verification.cache import ScanCache
from pipeline.verification.process import run
from pipeline.verification.runners.registry import find_setup, runner_for
from pipeline.verification.service import Proposal, Service
from tests.verification.trees import fix, installed, settings, snapshot

PAIRS = Path(
    os.environ.get("FIXSMITH_TRIVY_PAIRS", Path(__file__).resolve().parents[3] / "shared/data/trivy-fix-pairs.jsonl")
)
NAMES = {"terraform": "main.tf", "kubernetes": "pod.yaml", "dockerfile": "Dockerfile"}
EXPECTED = 434
"""The other 8 good sides raise something that is as bad, and rightly are refuted: docs/decisions/0008."""


def name(row):
    if row["kind"] == "cloudformation":
        return "template.json" if row["bad"].lstrip().startswith("{") else "template.yaml"
    return NAMES[row["kind"]]


def ended(text):
    return text if text.endswith("\n") else text + "\n"


def targets(rows, chosen, place):
    """What Trivy reports of each bad side for the pair's check: rule, lines, severity."""
    setup = find_setup(runner_for("trivy"), chosen)
    for number, row in enumerate(rows):
        folder = place / f"{number:04}"
        folder.mkdir(parents=True)
        (folder / name(row)).write_text(ended(row["bad"]))
    report = place.with_suffix(".json")
    command = runner_for("trivy").command(setup, (), report)
    run(command, place, seconds=600, memory_megabytes=4096, output=place.with_suffix(".out"))
    found = {}
    for result in json.loads(report.read_text())["Results"]:
        number = int(result["Target"].split("/")[0]) if "/" in result["Target"] else -1
        for one in result.get("Misconfigurations") or ():
            known = {one["ID"], one["AVDID"], one["AVDID"].replace("AVD-", "").replace("-", "")}
            if number >= 0 and known & set(rows[number]["ids"]):
                found.setdefault(number, one)
    return found


def about(number, row, found):
    cause = found["CauseMetadata"]
    first = cause.get("StartLine") or 1
    return Finding(
        fingerprint=str(number),
        scanner=Scanner(name="trivy"),
        rule=Rule(id=found["ID"]),
        severity=Severity(found["Severity"].lower()),
        domain=Domain.IAC,
        location=FileLocation(path=name(row), start_line=first, end_line=cause.get("EndLine") or first),
        message="",
    )


@pytest.mark.slow
def test_good_sides_are_verified_and_bad_sides_are_not(tmp_path):
    chosen = settings()
    if "trivy" not in installed(chosen):
        pytest.skip("trivy isn't installed")
    if not PAIRS.exists():
        pytest.skip("the pairs aren't beside the checkout: name their file in FIXSMITH_TRIVY_PAIRS")
    rows = [json.loads(line) for line in PAIRS.read_text().splitlines()]
    found = targets(rows, chosen, tmp_path / "bad")
    assert len(found) == len(rows)
    good, bad = [], []
    for number, row in enumerate(rows):
        path, text, finding = name(row), ended(row["bad"]), about(number, row, found[number])
        here, last = snapshot({path: text}), text.count("\n")
        good.append(Proposal(finding, fix(finding, text, 1, last, ended(row["good"])), here))
        others = [
            ended(r["bad"]) for r in rows if r["check"] == row["check"] and name(r) == path and r["bad"] != row["bad"]
        ]
        comment = "\n" if path.endswith("json") else "# tidied\n"
        bad += [Proposal(finding, fix(finding, text, 1, last, other), here) for other in (comment + text, *others)]
    verdicts = Service(chosen, cache=tmp_path / "cache").verify(good + bad)
    verified = [verdict.outcome == "verified" for verdict in verdicts]
    assert sum(verified[: len(good)]) >= EXPECTED
    refuted = {verdict.check for verdict in verdicts[: len(good)] if verdict.outcome == "refuted"}
    assert refuted == {"nothing new"}
    assert not any(verified[len(good) :])


@pytest.mark.slow
def test_batched_and_single_scans_agree(tmp_path):
    chosen = settings()
    if "trivy" not in installed(chosen):
        pytest.skip("trivy isn't installed")
    texts = ['resource "aws_db_instance" "d" {\n  storage_encrypted = %s\n}\n' % value for value in ("false", "true")]
    runner = runner_for("trivy")
    setup = find_setup(runner, chosen)
    cases = [{"main.tf": text.encode()} for text in texts]
    batched = Batches(runner, setup, chosen, ScanCache(None)).scan(cases)
    single = [Batches(runner, setup, chosen, ScanCache(None)).scan([case])[0] for case in cases]
    assert batched == single
