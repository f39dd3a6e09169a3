"""Comparing scans: gone means fewer of the rule, nothing moved, and nothing as bad in its place."""

from __future__ import annotations

from pipeline.records import Severity
from pipeline.verification.change import apply
from pipeline.verification.interface import Observed, Scan
from pipeline.verification.judge import new_finding, still_there, target_of
from pipeline.verification.reports import rule_name
from tests.verification.trees import finding, fix, snapshot

TEXT = "a\nb\nc\nd\ne\n"


def change(first=2, last=2, replacement="x\n", flagged=2):
    found = finding("f.py", flagged)
    return apply(found, fix(found, TEXT, first, last, replacement), snapshot({"f.py": TEXT}))


def seen(line, rule="b324", severity=Severity.HIGH):
    return Observed(rules=(rule,), severity=severity, path="f.py", start_line=line, end_line=line)


def scan(*lines):
    return Scan(findings=tuple(line if isinstance(line, Observed) else seen(line) for line in lines))


def test_gone_is_gone():
    assert still_there(seen(2), change(), scan(2), scan()) is None


def test_as_many_as_before_is_not_gone():
    assert "still reported" in still_there(seen(2), change(), scan(2), scan(2))


def test_moving_the_line_is_no_cure():
    moved = change(2, 5, "c\nd\ne\nb\n")
    assert "still reported" in still_there(seen(2), moved, scan(2), scan(5))


def test_another_of_the_rule_may_stay_where_it_was():
    assert still_there(seen(2), change(), scan(2, 4), scan(4)) is None


def test_another_that_moved_with_its_lines_is_the_same():
    assert still_there(seen(2), change(replacement="x\ny\n"), scan(2, 4), scan(5)) is None


def test_two_gone_and_one_new_is_not_gone():
    assert "another place" in still_there(seen(2), change(), scan(2, 4, 5), scan(1, 5))


def test_joining_weak_lines_is_no_cure_and_a_neighbour_left_as_it_was_is_no_fault():
    joined = change(1, 3, "a, b, c\n")
    assert "another place" in still_there(seen(2), joined, scan(1, 2, 3), scan(1))
    beside = change(1, 3, "with d:\n    a\n    x\n    c\n")
    assert still_there(seen(2), beside, scan(1, 2, 3), scan(2, 4)) is None


def test_the_flagged_place_must_be_clean_when_the_fix_is_elsewhere():
    elsewhere = change(4, 4, "x\n")
    assert "still reported" in still_there(seen(2), elsewhere, scan(2, 4), scan(2))


def test_a_new_finding_of_equal_weight_is_refused_and_a_lighter_one_is_not():
    target = seen(2)
    assert new_finding(target, scan(2), scan(seen(2, "b602"))) == "b602 (high) is new, line 2"
    assert new_finding(target, scan(2), scan(seen(2, "b603", Severity.LOW))) is None
    assert new_finding(target, scan(2, seen(3, "b602")), scan(seen(3, "b602"))) is None


def test_ruff_rules_weigh_as_bandits_do():
    target = seen(2, "s602")
    assert new_finding(target, scan(target), scan(seen(2, "s603"))) is None
    assert new_finding(target, scan(target), scan(seen(2, "s605"))) is not None


def test_the_target_is_the_nearest_of_the_rule():
    about = finding("f.py", 2)
    assert target_of(about, change(), scan(2, 5)) == seen(2)
    assert target_of(about, change(), scan(seen(2, "b101"))) is None
    assert target_of(finding("f.py", 1), change(flagged=1), Scan(findings=(seen(5),))) is None


def test_rules_have_one_spelling():
    assert rule_name("AVD-DS-0002") == rule_name("DS002") == rule_name("ds2")
    assert rule_name("rules.python.py-weak-hash") == "py-weak-hash"
    assert rule_name("zizmor/unpinned-uses") == "unpinned-uses"
    assert rule_name("CKV_AWS_16") != rule_name("CKV_AWS_161")


def test_what_the_weakness_itself_kept_from_being_reported_is_not_new():
    http, old_tls = seen(2, "nif21", Severity.CRITICAL), seen(2, "nif20", Severity.CRITICAL)
    assert new_finding(http, scan(http), scan(old_tls)) is None
    assert new_finding(old_tls, scan(old_tls), scan(http)) == "nif21 (critical) is new, line 2"
    assert new_finding(http, scan(http), scan(old_tls, old_tls)) == "nif20 (critical) is new, line 2"


def test_a_hidden_finding_excuses_nothing_beside_it():
    privileged, bare, root = (seen(2, rule) for rule in ("ksv17", "ksv118", "ksv12"))
    assert new_finding(privileged, scan(privileged), scan(bare)) is None
    assert new_finding(privileged, scan(privileged), scan(bare, root)) == "ksv118 (high) is new, line 2"


def test_the_same_weakness_of_another_resource_type_is_not_new_but_a_second_one_is():
    target, instance, cluster = seen(2), seen(3, "aws80"), seen(3, "aws79")
    assert new_finding(target, scan(target, instance), scan(cluster)) is None
    assert new_finding(target, scan(target, instance), scan(instance, cluster)) == "aws79 (high) is new, line 3"
