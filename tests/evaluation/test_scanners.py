"""The scanners beside the models: measured only where another one gives the label."""

from __future__ import annotations

import msgspec
import pytest

from pipeline.evaluation import scanners
from pipeline.evaluation.measurement import question_id
from pipeline.evaluation.opening import Opening
from pipeline.evaluation.page.document import document
from pipeline.evaluation.questions import HeldOut
from pipeline.records import Example, Message
from tests.evaluation import fabricated


def seen_by(number: int, *names: str, technology: str = "py", safe: bool = False) -> Example:
    one = fabricated.finding(number, safe=safe)
    return msgspec.structs.replace(one, metadata=one.metadata | {"scanners": sorted(names), "technology": technology})


BOTH, BANDIT, SEMGREP = seen_by(0, "bandit", "semgrep"), seen_by(1, "bandit"), seen_by(2, "semgrep")
TERRAFORM = seen_by(3, "checkov", technology="terraform")
EVERY = [BOTH, BANDIT, SEMGREP, TERRAFORM, seen_by(4, "bandit", "semgrep", safe=True)]


def test_a_scanner_is_never_measured_on_labels_that_come_from_it_alone() -> None:
    asked = scanners.contest(EVERY, EVERY)
    assert asked.examples == {"bandit": (BOTH, SEMGREP), "semgrep": (BOTH, BANDIT)}


def test_a_scanner_is_not_asked_about_what_it_never_looks_at() -> None:
    assert TERRAFORM not in scanners.contest(EVERY, EVERY).examples["bandit"]
    looks = [*EVERY, seen_by(5, "bandit", technology="terraform")]
    assert TERRAFORM in scanners.contest(EVERY, looks).examples["bandit"]


def test_another_finding_at_the_same_place_is_the_same_weakness_unless_its_cwe_is_another() -> None:
    twin = msgspec.structs.replace(SEMGREP, metadata=SEMGREP.metadata | {"scanners": ["ruff"]})
    twin = msgspec.structs.replace(twin, messages=(*twin.messages[:1], BANDIT.messages[1], twin.messages[2]))
    assert scanners.sightings([SEMGREP, twin])[question_id(SEMGREP)] == {"ruff", "semgrep"}
    other = twin.messages[2].content.replace("CWE-327", "CWE-89")
    unrelated = msgspec.structs.replace(twin, messages=(*twin.messages[:2], Message(role="assistant", content=other)))
    assert scanners.sightings([SEMGREP, unrelated])[question_id(SEMGREP)] == {"semgrep"}
    elsewhere = msgspec.structs.replace(twin, metadata=twin.metadata | {"path": "other.py"})
    assert scanners.sightings([SEMGREP, elsewhere])[question_id(SEMGREP)] == {"semgrep"}


def without_cwe(number: int, scanner: str, rule: str) -> Example:
    one = seen_by(number, scanner, technology="terraform")
    said = one.messages[-1].content.replace('"CWE-', '"none-')
    messages = (
        *one.messages[:1],
        Message(role="user", content=f"{scanner} {rule}"),
        Message(role="assistant", content=said),
    )
    return msgspec.structs.replace(one, messages=messages, metadata=one.metadata | {"scanner": scanner, "rule": rule})


def test_findings_without_a_cwe_at_the_same_lines_are_the_same_only_where_that_is_known() -> None:
    bucket, twin = without_cwe(3, "trivy", "AVD-AWS-0095"), without_cwe(3, "checkov", "CKV_AWS_26")
    transit, strange = without_cwe(3, "checkov", "CKV_AWS_30"), without_cwe(3, "checkov", "CKV_OTHER_1")
    assert [scanners.same(bucket, other) for other in (twin, transit, strange)] == [True, False, None]
    for other, asked in ((twin, 1.0), (transit, 0.0), (strange, None)):
        contest = scanners.contest([bucket], [bucket, other])
        found = contest.recall("checkov").items if "checkov" in contest.examples else None
        assert found == (None if asked is None else ((asked, 1.0),))


def test_what_both_find_and_what_only_one_finds() -> None:
    said = {question_id(BOTH): Opening(verdict="vulnerable"), question_id(SEMGREP): Opening(verdict="vulnerable")}
    said |= {question_id(BANDIT): Opening(verdict="safe")}
    asked = scanners.contest(EVERY, EVERY)
    bandit, semgrep = scanners.rows(asked, {"stage-1": said})
    assert bandit.recall.value == pytest.approx(0.5) and bandit.recall.items == 2
    assert bandit.models["stage-1"] == scanners.Overlap(both=1, only_model=1)
    assert semgrep.models["stage-1"] == scanners.Overlap(both=1, neither=1)
    unreadable = scanners.overlap("bandit", [BOTH], {question_id(BOTH): None}, asked.seen)
    assert unreadable == scanners.Overlap(only_scanner=1)


def test_scanners_stand_in_the_table_and_are_compared_on_shared_questions() -> None:
    data = fabricated.held_out()
    test = [
        msgspec.structs.replace(
            one, metadata=one.metadata | {"technology": "py", "scanners": ["bandit", "semgrep"][: 1 + number % 2]}
        )
        for number, one in enumerate(data.test["analysis"])
    ]
    mixed = HeldOut(train=data.train, test={"analysis": test, "codefix": data.test["codefix"]})
    report = fabricated.report(mixed, [fabricated.model("base", mixed, 0.1), fabricated.model("stage-1", mixed, 0.9)])
    row = next(one for one in report.rows if one.model == "scanner semgrep")
    assert row.role == "scanner" and list(row.metrics) == ["recall"]
    assert report.comparisons["stage-1"]["scanner semgrep"]["recall"].items == row.metrics["recall"].items
    page = document(report)
    assert "Beside the scanners themselves" in page and "only the scanner" in page
