"""A small report can't become a large one in memory: what is said once and meant often is bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pipeline.scanners import bounded
from pipeline.scanners.document import LONGEST_NAME
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.registry import recognise
from pipeline.scanners.sarif.rules import MOST_FAULTS
from tests.scanners.corpus import report_of, samples

ITEMS = 2_000


def read(folder: Path, document: Any) -> tuple[int, list[RawFinding | Fault]]:
    """Return the report's size and what it says."""
    path = folder / "report.json"
    path.write_text(json.dumps(document))
    return path.stat().st_size, list(recognise(report_of(path)).read(report_of(path)))


def log(run: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return a SARIF log of one run with the result many times."""
    result = {"ruleId": "a", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a"}}}], **result}
    driver = {"name": "acme", "rules": [{"id": "a", "messageStrings": {"m": {"text": "{0} long " * 9_000}}}]}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [result] * ITEMS, **run}]}


def test_a_message_looked_up_by_every_result(tmp_path: Path) -> None:
    size, said = read(tmp_path, log({}, {"message": {"id": "m", "arguments": ["of its own"]}}))
    assert len(said) == ITEMS
    messages = [one.message for one in said if isinstance(one, RawFinding)]
    assert sum(map(len, messages)) <= 3 * size
    assert messages[0].startswith("of its own long") and messages[-1] == "of its own"


def test_a_base_every_location_is_joined_to(tmp_path: Path) -> None:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a", "uriBaseId": "B"}}}
    bases = {"B": {"uri": "b/" * 100_000}}
    size, said = read(tmp_path, log({"originalUriBaseIds": bases}, {"message": {"text": "m"}, "locations": [place]}))
    assert [one for one in said if isinstance(one, RawFinding)] == []
    assert len(said) == ITEMS and sum(len(msgspec.json.encode(one)) for one in said) <= 3 * size


def test_a_name_every_pointer_repeats(tmp_path: Path) -> None:
    secrets = [{"type": "a", "line_number": 1}] * ITEMS
    _, said = read(tmp_path, {"version": "1.5.0", "plugins_used": [], "results": {"x" * 200_000: secrets}})
    assert len(said) == ITEMS and all(len(one.pointer) <= LONGEST_NAME + 30 for one in said)


def test_rules_that_are_none_are_named_so_often_and_no_more(tmp_path: Path) -> None:
    document = log({}, {"message": {"text": "m"}})
    document["runs"][0]["tool"]["driver"]["rules"] = [0] * 50_000
    _, said = read(tmp_path, document)
    faults = [one for one in said if isinstance(one, Fault)]
    assert len(faults) == MOST_FAULTS + 1
    assert faults[-1].reason == f"{50_000 - MOST_FAULTS} more rules are not read"
    assert len(said) - len(faults) == ITEMS


def test_a_report_of_the_smallest_elements_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text(
        json.dumps({"auditReportVersion": 2, "vulnerabilities": {"a": {"name": "a", "via": [{}] * 50_000}}})
    )
    report = report_of(path)
    *findings, last = bounded.read(recognise(report), report)
    most = bounded.ALWAYS + report.size // bounded.SMALLEST
    assert len(findings) == most and all(isinstance(one, RawFinding) for one in findings)
    assert last == Fault(pointer="", reason=f"more than {most} findings in {report.size} bytes: the rest is not read")


def test_a_reader_is_asked_for_no_more_than_the_bound() -> None:
    asked = 0

    class Endless:
        name = "endless"

        def recognise(self, report: Report) -> bool:
            return True

        def read(self, report: Report) -> Iterator[Fault]:
            nonlocal asked
            while True:
                asked += 1
                yield Fault(pointer="/0", reason="no finding")

    list(bounded.read(Endless(), Report(path=Path(), name="", head="", size=4_000)))
    assert asked == bounded.ALWAYS + 4_000 // bounded.SMALLEST + 1


def test_what_tools_write_is_far_from_the_bound() -> None:
    for path in samples():
        report = report_of(path)
        try:
            said = list(recognise(report).read(report))
        except ReportRefused:
            continue
        assert len(said) <= 2 + report.size // bounded.SMALLEST, path
