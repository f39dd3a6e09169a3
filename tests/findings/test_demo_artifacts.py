"""The artifacts that ship with the project: a tool's JSON and its SARIF are one list."""

from collections import Counter
from pathlib import Path

import pytest

from tests.findings.running import Parsed, parse

DEMO = Path(__file__).parents[1] / "demo" / "artifacts"
BOTH = ("bandit", "checkov", "gitleaks", "hadolint", "semgrep", "trivy", "zizmor")


@pytest.fixture(scope="module", params=["first", "second"])
def parsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    if not (DEMO / request.param).is_dir():
        pytest.skip("the demo's artifacts aren't built")
    return parse(tmp_path_factory.mktemp(request.param), DEMO / request.param)


@pytest.mark.parametrize("scanner", BOTH)
def test_every_finding_was_seen_in_both_formats(parsed: Parsed, scanner: str) -> None:
    found = [finding for finding in parsed.findings() if finding.scanner.name == scanner]
    formats = Counter(frozenset(Path(origin.report).suffix for origin in finding.origins) for finding in found)
    assert found and set(formats) == {frozenset({".json", ".sarif"})}


def test_nothing_was_rejected(parsed: Parsed) -> None:
    assert parsed.rejected() == []
