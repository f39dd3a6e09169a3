"""Real artifacts of one workflow run, where they lie beside the checkout: every report is read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline.scanners.interface import Fault, RawFinding, ReportRefused
from pipeline.scanners.registry import recognise
from tests.scanners.corpus import HERE, report_of

SEED = HERE.parent.parent.parent / "shared" / "data" / "seed-artifacts"
pytestmark = pytest.mark.skipif(not SEED.is_dir(), reason="the seed artifacts are not beside this checkout")

COUNTS = {
    "checkov-results.sarif": ("checkov", 10, {"iac": 10}, {"medium": 10}),
    "docker-security-scan-results.sarif": ("trivy", 84, {"container": 84}, {"low": 43, "medium": 36, "high": 5}),
    "test-credentials-comprehensive.sarif": ("trivy", 40, {"container": 40}, {"low": 21, "medium": 17, "high": 2}),
    "webauthn-comprehensive.sarif": ("trivy", 44, {"container": 44}, {"low": 22, "medium": 19, "high": 3}),
    "results.sarif": ("gitleaks", 0, {}, {}),
    "osv-results.json": ("osv-scanner", 46, {"sca": 46}, {"medium": 26, "high": 12, "low": 8}),
    "semgrep-results.json": ("semgrep", 107, {"sast": 107}, {"high": 90, "medium": 9, "low": 8}),
    "semgrep.sarif": ("semgrep", 107, {"sast": 107}, {"high": 90, "medium": 9, "low": 8}),
    "zap-baseline-scan-webauthn-test-credentials-service/report_json.json": ("zap", 1, {"dast": 1}, {"info": 1}),
    "zap-full-scan-webauthn-server/report_json.json": ("zap", 28, {"dast": 28}, {"info": 20, "medium": 4, "low": 4}),
}


def the(name: str) -> Path:
    return next(path for path in SEED.rglob("*") if path.is_file() and path.as_posix().endswith(f"/{name}"))


def found_in(name: str) -> list[RawFinding]:
    report = report_of(the(name))
    said = list(recognise(report).read(report))
    assert not [one for one in said if isinstance(one, Fault)]
    return [one for one in said if isinstance(one, RawFinding)]


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    scanner, count, domains, severities = COUNTS[name]
    found = found_in(name)
    assert recognise(report_of(the(name))).name == scanner
    assert len(found) == count
    assert Counter(str(one.domain) for one in found) == domains
    assert Counter(str(one.severity) for one in found) == severities
    assert not [one.flags for one in found if "absolute-path" in one.flags]


def test_zaps_pages_for_people_are_named_and_not_read() -> None:
    for path in SEED.rglob("report_*"):
        if path.suffix in (".html", ".md"):
            with pytest.raises(ReportRefused, match="No scanner we know"):
                recognise(report_of(path))


def test_semgrep_says_the_same_in_both_formats() -> None:
    native, sarif = found_in("semgrep-results.json"), found_in("semgrep.sarif")
    key = lambda one: (one.rule.id, one.location, one.severity, one.domain, one.rule.cwes, one.message)  # noqa: E731
    assert Counter(map(repr, map(key, native))) == Counter(map(repr, map(key, sarif)))


def test_trivys_two_images_are_the_combined_report() -> None:
    both = found_in("webauthn-comprehensive.sarif") + found_in("test-credentials-comprehensive.sarif")
    combined = found_in("docker-security-scan-results.sarif")
    assert Counter(repr((one.rule.id, one.location)) for one in both) == Counter(
        repr((one.rule.id, one.location)) for one in combined
    )
    assert all(one.location.package for one in combined)  # type: ignore[union-attr]


def test_osv_paths_are_below_the_repository() -> None:
    paths = {one.location.path for one in found_in("osv-results.json")}  # type: ignore[union-attr]
    assert "webauthn-server/gradle.lockfile" in paths
    assert len(paths) == 4
