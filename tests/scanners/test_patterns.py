"""No text makes a reader's patterns slow: a megabyte costs less than a second or so."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.scanners.interface import RawFinding
from pipeline.scanners.registry import recognise
from tests.scanners.corpus import HERE, report_of

MEGABYTE = 1_000_000
TEXTS = [
    " was found in image ", "no ", "no files ", "[a", "](1", "<p", "<br ", "Package: ", "CWE-",
    "external/cwe/", " ", "\n",
    "Message: ",
    "../", "{0}", "\\", "'", ">=", "<1", "(a ", "Severity:\n", "ghsa-", "a.", "dockerfile.", "%2e",
]  # fmt: skip
SAMPLES = ["grype/one.sarif", "trivy/odd-image.sarif", "terrascan/many.json", "codeql/one.sarif", "npm-audit/one.json"]
SAMPLES += [
    "zap/one.json",
    "bandit/one.json",
    "gitleaks/one.sarif",
    "kics/one.json",
    "glitch/one.csv",
    "checkov/one.sarif",
]


def filled(document: Any, text: str) -> Any:
    """Put the text behind every string value that is not a structural word."""
    if isinstance(document, dict):
        kept = ("name", "version", "type", "$schema", "uri", "file", "path")
        return {key: value if key in kept else filled(value, text) for key, value in document.items()}
    if isinstance(document, list):
        return [filled(value, text) for value in document]
    return document + text if isinstance(document, str) else document


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_long_texts_are_read_in_time(sample: str, text: str, tmp_path: Path) -> None:
    original = HERE / sample
    long = text * (200_000 // len(text))
    path = tmp_path / "report"
    if original.suffix == ".csv":
        path.write_text(original.read_text() + "a.yml,1,sec_hard_pass,-,'secret'" + long + "x\n")
    else:
        path.write_text(json.dumps(filled(json.loads(original.read_text()), long)))
    start = time.perf_counter()
    list(recognise(report_of(original)).read(report_of(path)))
    assert time.perf_counter() - start < 1 + 2 * path.stat().st_size / MEGABYTE


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
