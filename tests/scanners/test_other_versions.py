"""What scanners wrote in versions the corpus doesn't hold, and where they ran from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.records import ImageLocation, Severity
from pipeline.scanners.interface import Fault, RawFinding, ReportRefused
from tests.scanners.corpus import read


def only(folder: Path, document: Any) -> RawFinding:
    (found,) = read(folder, document)
    assert isinstance(found, RawFinding), found
    return found


def test_checkov_run_from_elsewhere_names_the_file_below_the_scanned_folder(tmp_path: Path) -> None:
    check = {"check_id": "CKV_AWS_20", "file_path": "/s3/main.tf", "repo_file_path": "/../../tmp/x/s3/main.tf"}
    found = only(tmp_path, {"check_type": "terraform", "results": {"failed_checks": [check]}})
    assert getattr(found.location, "path", None) == "s3/main.tf"


def test_bandit_shows_a_line_before_and_after_that_are_not_flagged(tmp_path: Path) -> None:
    code = "9  def f(x):\n10     os.system(\n11         x)\n12 \n"
    item = {"test_id": "B605", "filename": "a.py", "line_number": 10, "line_range": [10, 11], "code": code}
    found = only(tmp_path, {"errors": [], "metrics": {}, "results": [item]})
    assert found.snippet == "    os.system(\n        x)\n"


@pytest.mark.parametrize("code", ["", "os.system(x)\n", None])
def test_bandit_code_without_numbers_stays_as_it_is(tmp_path: Path, code: str | None) -> None:
    item = {"test_id": "B605", "filename": "a.py", "line_number": 10, "code": code}
    assert only(tmp_path, {"errors": [], "metrics": {}, "results": [item]}).snippet == (code or None)


def test_the_first_grype_listed_places_as_text_and_one_fixed_version(tmp_path: Path) -> None:
    match = {
        "vulnerability": {"id": "CVE-2019-14697", "severity": "High", "fixedInVersion": "1.1.20-r5"},
        "artifact": {"name": "musl", "version": "1.1.20", "type": "apk", "locations": ["/lib/apk/db/installed"]},
    }
    source = {"type": "image", "target": {"userInput": "alpine:3.10"}}
    found = only(tmp_path, {"matches": [match], "source": source, "distro": {}})
    assert found.location == ImageLocation(
        image="alpine:3.10", package="musl", version="1.1.20", path="/lib/apk/db/installed"
    )
    assert found.hints.fixed_versions == ("1.1.20-r5",)


def test_old_trivy_gave_vectors_without_scores(tmp_path: Path) -> None:
    vectors = {"V2Vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
    scores = {"nvd": vectors}
    item = {"VulnerabilityID": "CVE-2020-1", "PkgName": "x", "Severity": "UNKNOWN", "CVSS": scores}
    found = only(tmp_path, [{"Target": "go.sum", "Type": "gomod", "Vulnerabilities": [item]}])
    assert (found.cvss, found.severity) == (9.8, Severity.CRITICAL)


@pytest.mark.parametrize(("upstream", "aliases"), [(["CVE-2019-14697"], ("CVE-2019-14697",)), (["CVE-1", "CVE-2"], ())])
def test_a_distributions_advisory_on_one_upstream_advisory_is_about_that(
    tmp_path: Path, upstream: list[str], aliases: tuple[str, ...]
) -> None:
    package = {"name": "musl", "version": "1.1", "ecosystem": "Alpine:v3.10"}
    advisory = {"id": "ALPINE-CVE-2019-14697", "upstream": upstream}
    packages = [{"package": package, "vulnerabilities": [advisory]}]
    result = {"source": {"path": "installed", "type": "os"}, "packages": packages}
    assert only(tmp_path, {"results": [result]}).aliases == aliases


def test_semgrep_says_an_error_in_short_when_it_says_no_more(tmp_path: Path) -> None:
    (fault,) = read(tmp_path, {"results": [], "errors": [{"code": 2, "level": "error", "short_msg": "bad pattern"}]})
    assert isinstance(fault, Fault) and fault.reason.endswith(": bad pattern")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"error": {"code": "EAUDITNOLOCK", "summary": "s"}}, "EAUDITNOLOCK"),
        (
            {"message": "503 of the audit endpoint", "method": "POST", "uri": "u", "headers": {}, "statusCode": 503,
             "body": "", "error": {"summary": "", "detail": ""}},
            "503 of the audit endpoint",
        ),
    ],
)  # fmt: skip
def test_npm_says_why_it_audited_nothing(tmp_path: Path, document: Any, reason: str) -> None:
    with pytest.raises(ReportRefused, match=reason):
        read(tmp_path, document)
