"""SARIF as tools really write it: nulls, words for numbers, kinds, suppressions, places, CWEs in every spelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.records import FileLocation, Severity
from pipeline.scanners.interface import Fault, RawFinding
from tests.scanners.corpus import read

AT_THREE = FileLocation(path="a.py", start_line=3, end_line=3)
PLACE = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 3}}}


def log(*results: dict[str, Any], driver: Any = None, **run: Any) -> dict[str, Any]:
    tool = {"driver": {"name": "Acme", **(driver or {})}}
    return {"version": "2.1.0", "runs": [{"tool": tool, "results": list(results), **run}]}


def result(**more: Any) -> dict[str, Any]:
    return {"ruleId": "R", "message": {"text": "Bad."}, "locations": [PLACE], **more}


def only(folder: Path, document: Any) -> RawFinding:
    (found,) = read(folder, document)
    assert isinstance(found, RawFinding), found
    return found


@pytest.mark.parametrize("kind", ["fail", "FAIL", "review", "open", "informational", "of-a-later-version", None])
def test_a_result_is_kept_unless_it_says_that_nothing_is_wrong(tmp_path: Path, kind: str | None) -> None:
    only(tmp_path, log(result(kind=kind)))


@pytest.mark.parametrize("kind", ["pass", "notApplicable", "Pass"])
def test_a_check_that_passed_is_counted(tmp_path: Path, kind: str) -> None:
    (fault,) = read(tmp_path, log(result(kind=kind)))
    assert isinstance(fault, Fault) and "passed" in fault.reason


def test_only_a_result_that_is_absent_is_gone(tmp_path: Path) -> None:
    only(tmp_path, log(result(baselineState="of-a-later-version")))
    (fault,) = read(tmp_path, log(result(baselineState="absent")))
    assert isinstance(fault, Fault)


def test_what_did_not_fail_has_no_level_unless_it_names_one(tmp_path: Path) -> None:
    assert only(tmp_path, log(result(kind="review"))).severity is Severity.INFO
    assert only(tmp_path, log(result(kind="review", level="error"))).severity is Severity.HIGH
    assert only(tmp_path, log(result(kind="fail"))).severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("statuses", "suppressed"),
    [
        ([], False),
        ([None], True),
        (["accepted"], True),
        (["Accepted", None], True),
        (["underReview"], False),
        (["rejected"], False),
        (["accepted", "rejected"], False),
        ([None, "underReview"], False),
    ],
)
def test_a_result_is_suppressed_when_every_suppression_is_accepted(
    tmp_path: Path, statuses: list[str | None], suppressed: bool
) -> None:
    given = [{"kind": "external", "status": status} if status else {"kind": "inSource"} for status in statuses]
    assert ("suppressed" in only(tmp_path, log(result(suppressions=given))).flags) is suppressed


@pytest.mark.parametrize("part", ["message", "properties", "codeFlows", "fixes", "suppressions", "kind", "level"])
def test_a_null_part_of_a_result_costs_nothing(tmp_path: Path, part: str) -> None:
    only(tmp_path, log(result(**{part: None})))


@pytest.mark.parametrize("tool", [None, {"driver": None}, {"driver": {"name": None}}, {}])
def test_a_run_that_names_no_tool_is_read(tmp_path: Path, tool: Any) -> None:
    document = {"version": "2.1.0", "runs": [{"tool": tool, "results": [result()]}]}
    assert only(tmp_path, document).scanner.name == "sarif"


@pytest.mark.parametrize(
    ("part", "value"),
    [("invocations", "bad"), ("artifacts", [5]), ("originalUriBaseIds", {"S": "x"}), ("properties", []), ("tool", 3)],
)
def test_a_broken_part_of_a_run_costs_itself_only(tmp_path: Path, part: str, value: Any) -> None:
    said = read(tmp_path, log(result(), **{part: value}))
    assert [one.pointer for one in said if isinstance(one, Fault)] == [f"/runs/0/{part}"]
    assert [one.location for one in said if isinstance(one, RawFinding)] == [AT_THREE]


def test_results_that_are_no_list_are_no_empty_run(tmp_path: Path) -> None:
    said = read(tmp_path, {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "A"}}, "results": {"a": 1}}]})
    assert {one.pointer for one in said} == {"/runs/0/results", "/runs/0"}


def test_lines_may_be_written_as_text(tmp_path: Path) -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": "7", "endLine": "8"}}}
    assert only(tmp_path, log(result(locations=[place]))).location == FileLocation(
        path="a.py", start_line=7, end_line=8
    )


@pytest.mark.parametrize(
    "places",
    [
        {"locations": [{"physicalLocation": {"address": {"absoluteAddress": 1}}}, PLACE]},
        {"locations": [{"logicalLocations": [{"name": "f"}]}, PLACE]},
        {"locations": [{"physicalLocation": {"region": {"startLine": 3}}}], "analysisTarget": {"uri": "a.py"}},
        {"locations": [], "relatedLocations": [PLACE]},
    ],
)
def test_the_first_place_that_names_a_file_is_taken(tmp_path: Path, places: dict[str, Any]) -> None:
    assert only(tmp_path, log(result(**places))).location == AT_THREE


def test_a_step_of_a_flow_out_of_range_costs_itself_only(tmp_path: Path) -> None:
    steps = [{"location": {"physicalLocation": {**PLACE["physicalLocation"], "region": {"startLine": line}}}}
             for line in (1, 1e300, 2)]  # fmt: skip
    found = only(tmp_path, log(result(codeFlows=[{"threadFlows": [{"locations": steps}]}])))
    assert [step.line for step in found.flow] == [1, 2]


@pytest.mark.parametrize(
    "properties",
    [
        {"tags": ["security", spelling]}
        for spelling in (
            "CWE-79", "cwe79", "CWE: 79", "cwe_079", "CWE=79", "CWE-ID 79", "external/cwe/cwe-079",
            "https://cwe.mitre.org/data/definitions/79.html", "CWE\u201179",
        )
    ]
    + [
        {"cwe": 79}, {"cwe": 79.0}, {"CWE ID": "79"}, {"cwe-ids": ["CWE-79"]}, {"cweIds": ["79"]}, {"cwe_id": "79 ,0"},
        {"cwe": {"id": "79", "link": "x"}}, {"cwe": [{"id": "CWE-79"}]}, {"securityStandards": ["cwe:79", "owasp:a3"]},
    ],
)  # fmt: skip
def test_a_cwe_is_read_in_every_spelling(tmp_path: Path, properties: dict[str, Any]) -> None:
    document = log(result(), driver={"rules": [{"id": "R", "properties": properties}]})
    assert only(tmp_path, document).rule.cwes == (79,)


@pytest.mark.parametrize(
    "target",
    [
        {"id": "79", "toolComponent": {"name": "CWE"}},
        {"guid": "q", "toolComponent": {"guid": "t"}},
        {"index": 0, "toolComponent": {"guid": "t"}},
        {"guid": "q", "toolComponent": {"index": 0}},
    ],
)
def test_a_taxon_is_found_by_name_index_and_guid(tmp_path: Path, target: dict[str, Any]) -> None:
    taxonomies = [{"name": "CWE", "guid": "t", "taxa": [{"id": "79", "guid": "q"}]}]
    rules = [{"id": "R", "relationships": [{"target": target, "kinds": ["superset"]}]}]
    assert only(tmp_path, log(result(), driver={"rules": rules}, taxonomies=taxonomies)).rule.cwes == (79,)
