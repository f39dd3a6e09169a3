"""A message a SARIF rule keeps is filled in, up to a limit."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.scanners.interface import RawFinding
from pipeline.scanners.registry import recognise
from tests.scanners.corpus import report_of


def test_placeholders_are_filled_in_up_to_a_limit(tmp_path: Path) -> None:
    message = {"text": "{0} of {1} {2}" + "{0}" * 10_000}
    rule = {"id": "r", "messageStrings": {"m": message}}
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}}}
    result = {"ruleId": "r", "message": {"id": "m", "arguments": ["x" * 1_000, "y"]}, "locations": [place]}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T", "rules": [rule]}}, "results": [result]}]}
    path = tmp_path / "report"
    path.write_text(json.dumps(log))
    (found,) = recognise(report_of(path)).read(report_of(path))
    assert isinstance(found, RawFinding)
    assert found.message.startswith("x" * 1_000 + " of y {2}x")
    assert len(found.message) < 200_000
