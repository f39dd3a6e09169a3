"""The artifacts of one real workflow run, read whole; the counts before and after merging explained."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.records import Finding, ImageLocation, PackageLocation
from tests.findings.running import Parsed, parse

SEED = Path(__file__).parents[3] / "shared" / "data" / "seed-artifacts"
pytestmark = pytest.mark.skipif(not SEED.is_dir(), reason="the seed artifacts aren't on this machine")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    return parse(tmp_path_factory.mktemp("seed"), SEED)


def of(parsed: Parsed, scanner: str) -> list[Finding]:
    return [finding for finding in parsed.findings() if finding.scanner.name == scanner]


def test_every_report_is_read_and_pages_are_passed_by(parsed: Parsed) -> None:
    assert parsed.manifest.counts["reports"] == 10 and parsed.rejected() == []
    assert Counter(Path(s.report).suffix for s in parsed.rejected("skipped.jsonl")) == {".html": 2, ".md": 2}


def test_counts_before_merging(parsed: Parsed) -> None:
    assert parsed.manifest.counts["scanners_before_merging"] == {
        "checkov": 10,
        "osv-scanner": 46,
        "semgrep": 2 * 107,  # the JSON and the SARIF of one scan
        "trivy": 2 * (44 + 40),  # each image's own file, and both again in one file
        "zap": 29,
    }  # Gitleaks found nothing: its report was read all the same


def test_counts_after_merging(parsed: Parsed) -> None:
    assert parsed.manifest.counts["scanners"] == {
        "checkov": 10,
        "osv-scanner": 46,
        "semgrep": 106,
        "trivy": 84,
        "zap": 29,
    }
    assert parsed.manifest.counts["domains"] == {"container": 84, "dast": 29, "iac": 10, "sast": 106, "sca": 46}


def test_semgrep_matched_one_place_twice_and_both_formats_agree(parsed: Parsed) -> None:
    """One rule matched at MonitoringModule.kt:60:29 with two ends: one place, four origins."""
    origins = Counter(len(finding.origins) for finding in of(parsed, "semgrep"))
    assert origins == {2: 105, 4: 1}
    assert all(
        {o.report for o in f.origins} == {"semgrep-results.json", "semgrep.sarif"} for f in of(parsed, "semgrep")
    )


def test_trivy_found_each_weakness_of_an_image_in_two_files(parsed: Parsed) -> None:
    found = of(parsed, "trivy")
    assert all(len(finding.origins) == 2 and isinstance(finding.location, ImageLocation) for finding in found)
    assert sorted(Counter(f.location.image for f in found).values()) == [40, 44]  # type: ignore[union-attr]


def test_osv_reports_some_packages_in_two_versions_of_one_lock_file(parsed: Parsed) -> None:
    keys = Counter(
        (f.rule.id, f.location.name, f.location.path)
        for f in of(parsed, "osv-scanner")
        if isinstance(f.location, PackageLocation)
    )
    assert len(keys) == 41 and sum(count - 1 for count in keys.values()) == 5


def test_fingerprints_are_unique(parsed: Parsed) -> None:
    found = parsed.findings()
    assert len({finding.fingerprint for finding in found}) == len(found)


def test_nothing_but_mail_addresses_is_redacted_wrongly(parsed: Parsed) -> None:
    text = parsed.content().decode()
    assert text.count("[redacted:") == 0, "these reports hold no secrets: a redaction here is a false positive"
