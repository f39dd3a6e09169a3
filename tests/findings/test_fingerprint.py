"""One weakness keeps its fingerprint; two weaknesses never share one."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.findings.fingerprint import Sighting, weaknesses
from pipeline.findings.identity import Advisories, code_text, scanner_family
from pipeline.findings.parse import sorted_findings
from pipeline.records import (
    Domain,
    FileLocation,
    Finding,
    ImageLocation,
    Location,
    Origin,
    PackageLocation,
    Rule,
    Scanner,
    Severity,
    UrlLocation,
)
from pipeline.scanners.interface import RawFinding

LOCK = "package-lock.json"


def raw(location: Location, rule: str = "R1", scanner: str = "acme", **more: object) -> RawFinding:
    fields = {"severity": Severity.LOW, "domain": Domain.SAST, "message": "Bad.", "pointer": "/0"} | more
    return RawFinding(scanner=Scanner(name=scanner), rule=Rule(id=rule), location=location, **fields)  # type: ignore[arg-type]


def at(line: int, code: str | None = None, path: str = "a.py", **more: object) -> RawFinding:
    return raw(FileLocation(path=path, start_line=line), snippet=code, **more)


def package(
    name: str = "lodash", version: str | None = "4.17.1", path: str | None = LOCK, **more: object
) -> RawFinding:
    more.setdefault("domain", Domain.SCA)
    return raw(PackageLocation(ecosystem="npm", name=name, version=version, path=path), **more)  # type: ignore[arg-type]


def see(*reports: list[RawFinding]) -> list[Finding]:
    """Return the findings behind these reports."""
    sightings = [
        Sighting(one, f"report{number}", (Origin(artifact="a", report=f"{number}", pointer=f"/{index}"),))
        for number, report in enumerate(reports)
        for index, one in enumerate(report)
    ]
    return sorted_findings(sightings, Advisories(sighting.finding for sighting in sightings), None)


def prints(*reports: list[RawFinding]) -> list[str]:
    return [finding.fingerprint for finding in see(*reports)]


def test_lines_do_not_count() -> None:
    assert prints([at(3, "eval(x)"), at(9, "exec(y)")]) == prints([at(13, "eval(x)"), at(29, "exec(y)")])


@pytest.mark.parametrize("code", ["eval( x )", "  eval(x)", "eval(x)\n", "eval(\n    x\n)"])
def test_white_space_does_not_count(code: str) -> None:
    assert prints([at(3, "eval(x)")]) == prints([at(3, code)])


def test_equal_code_twice_in_a_file_is_two_weaknesses() -> None:
    assert len(set(prints([at(3, "eval(x)"), at(9, "eval(x)")]))) == 2


@pytest.mark.parametrize(
    "other",
    [at(3, "eval(y)"), at(3, "eval(x)", path="b.py"), at(3, "eval(x)", rule="R2"), at(3, "eval(x)", scanner="other")],
)
def test_what_differs_is_another_weakness(other: RawFinding) -> None:
    assert len(see([at(3, "eval(x)"), other])) == 2


def test_the_report_with_the_code_and_the_one_without_agree() -> None:
    both = see([at(3, "eval(x)"), at(9, "exec(y)")], [at(3), at(9)])
    assert [len(finding.origins) for finding in both] == [2, 2]
    assert [finding.fingerprint for finding in both] == prints([at(3, "eval(x)"), at(9, "exec(y)")])


def test_two_finds_on_one_line_pair_up_across_reports() -> None:
    left = [raw(FileLocation(path="a", start_line=1, start_column=c, end_column=c + 2)) for c in (1, 9)]
    right = [raw(FileLocation(path="a", start_line=1, end_line=1), message=text) for text in ("A", "B")]
    assert [len(finding.origins) for finding in see(left, right)] == [2, 2]
    assert len(see(left, left)) == 2


def test_without_code_the_message_counts_but_not_the_lines_in_it() -> None:
    first = at(3, message="Unsafe call at line 3 (a.py:3:1)")
    assert prints([first]) == prints([at(7, message="Unsafe call at line 7 (a.py:7:1)")])
    assert prints([first]) != prints([at(3, message="Other call at line 3 (a.py:3:1)")])


def test_a_block_that_lacks_something_stays_when_another_of_its_lines_changes() -> None:
    block = 'resource "aws_db" "main" {\n  a = 1\n  b = 2\n  c = 3\n  d = 4\n}'
    assert prints([at(3, block)]) == prints([at(3, block.replace("2", "7"))])
    assert prints([at(3, block)]) != prints([at(3, block.replace("main", "other"))])


def test_a_find_on_a_whole_file_is_one_with_and_without_a_line() -> None:
    empty = FileLocation(path="Dockerfile", start_line=1, end_line=1, start_column=1, end_column=1)
    assert len(see([raw(FileLocation(path="Dockerfile"))], [raw(empty)])) == 1


def test_redacted_values_do_not_depend_on_the_key() -> None:
    assert prints([at(1, "k = '[redacted:secret:0a1b2c3d]'")]) == prints([at(1, "k = '[redacted:secret:99999999]'")])


def test_one_cve_in_one_package_from_two_tools_is_one() -> None:
    first = package(rule="GHSA-jf85-cpcp-j695", aliases=("CVE-2019-10744",), scanner="osv-scanner")
    second = package(rule="CVE-2019-10744", scanner="trivy", severity=Severity.CRITICAL)
    (finding,) = see([first], [second])
    assert finding.rule.id == "CVE-2019-10744" and finding.aliases == ("GHSA-jf85-cpcp-j695",)
    assert finding.severity is Severity.CRITICAL and len(finding.origins) == 2


def test_an_alias_known_to_one_tool_joins_the_names_of_two_others() -> None:
    known = package(
        name="other",
        rule="GHSA-aaaa-bbbb-cccc".replace("a", "2").replace("b", "3"),
        aliases=("CVE-2020-1234", "PYSEC-2020-1"),
    )
    assert len(see([package(rule="CVE-2020-1234")], [package(rule="PYSEC-2020-1")], [known])) == 2


def test_two_cves_under_one_umbrella_stay_two() -> None:
    umbrella = package(rule="GHSA-2222-3333-4444", aliases=("CVE-2020-1111", "CVE-2020-2222"))
    ids = [
        finding.rule.id for finding in see([package(rule="CVE-2020-1111"), package(rule="CVE-2020-2222")], [umbrella])
    ]
    assert ids == ["CVE-2020-1111", "CVE-2020-2222", "GHSA-2222-3333-4444"]


def test_the_version_does_not_count_but_two_versions_in_a_lock_file_are_two() -> None:
    old, new = package(rule="CVE-2020-1234"), package(rule="CVE-2020-1234", version="4.17.9")
    assert prints([old]) == prints([new])
    assert len(see([old, new])) == 2


def test_another_manifest_is_another_weakness() -> None:
    assert len(see([package(rule="CVE-2020-1234"), package(rule="CVE-2020-1234", path="web/" + LOCK)])) == 2


def test_a_tool_that_names_no_manifest_joins_the_one_that_does() -> None:
    without = package(rule="CVE-2020-1234", path=None, scanner="npm-audit")
    named = [package(rule="CVE-2020-1234", version="1.0.0", path="a"), package(rule="CVE-2020-1234", path="b")]
    found = see(named, [without])
    assert [(finding.location.path, len(finding.origins)) for finding in found] == [("a", 1), ("b", 2)]  # type: ignore[union-attr]


@pytest.mark.parametrize(("one", "two"), [("Flask_Login", "flask-login"), ("ruamel.yaml", "ruamel-yaml")])
def test_a_python_package_is_one_however_it_is_spelled(one: str, two: str) -> None:
    def find(name: str) -> RawFinding:
        return raw(PackageLocation(ecosystem="PyPI", name=name), rule="CVE-2020-1234", domain=Domain.SCA)

    assert len(see([find(one)], [find(two)])) == 1


def test_a_cve_of_an_image_goes_by_image_and_package() -> None:
    def find(image: str, name: str) -> RawFinding:
        return raw(ImageLocation(image=image, package=name), rule="CVE-2020-1234", domain=Domain.CONTAINER)

    assert len(see([find("a", "x"), find("a", "x"), find("a", "y"), find("b", "x")])) == 3


def test_a_url_goes_by_url_method_and_parameter() -> None:
    places = [UrlLocation(url=u, method=m, parameter=p) for u in "ab" for m in ("GET", "POST") for p in ("q", None)]
    assert len(see([raw(place, domain=Domain.DAST) for place in (*places, *places)])) == 8


def test_editions_of_a_scanner_are_one_family() -> None:
    assert scanner_family("Semgrep OSS") == scanner_family("semgrep") == scanner_family("Semgrep PRO")


CODES = st.sampled_from(["eval(x)", "exec(y)", "eval( x)", None])
FINDS = st.builds(at, st.integers(1, 6), CODES, st.sampled_from(["a.py", "b.py"]), rule=st.sampled_from(["R1", "R2"]),
                  message=st.sampled_from(["Bad.", "Worse."]))  # fmt: skip
PACKAGES = st.builds(
    package, st.sampled_from(["lodash", "Lodash", "x"]), st.sampled_from(["1.0.0", "2.0.0", None]),
    st.sampled_from([LOCK, "b", None]), rule=st.sampled_from(["CVE-2020-1111", "GHSA-2222-3333-4444", "CVE-2020-2222"]),
    aliases=st.sampled_from([(), ("CVE-2020-1111",)]), severity=st.sampled_from(Severity),
)  # fmt: skip
REPORTS = st.lists(st.lists(FINDS | PACKAGES, max_size=6), max_size=4)


@given(REPORTS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_order_and_repetition_change_nothing(reports: list[list[RawFinding]], dice: random.Random) -> None:
    sightings = [
        Sighting(one, f"r{number}", (Origin(artifact="a", report=str(number), pointer=str(index)),))
        for number, report in enumerate(reports)
        for index, one in enumerate(report)
    ]
    shuffled = sightings * 2
    dice.shuffle(shuffled)
    results = [sorted_findings(s, Advisories(x.finding for x in s), None) for s in (sightings, shuffled)]
    assert results[0] == results[1]


@given(st.lists(FINDS, max_size=8), st.integers(1, 500))
@settings(max_examples=200, deadline=None)
def test_moving_all_lines_changes_no_fingerprint(found: list[RawFinding], by: int) -> None:
    moved = [
        at(f.location.start_line + by, f.snippet, f.location.path, rule=f.rule.id, message=f.message) for f in found
    ]  # type: ignore
    assert prints(found) == prints(moved)


@given(REPORTS)
@settings(max_examples=200, deadline=None)
def test_no_sighting_is_lost(reports: list[list[RawFinding]]) -> None:
    sightings = [Sighting(one, str(number), ()) for number, report in enumerate(reports) for one in report]
    found = weaknesses(sightings, Advisories(s.finding for s in sightings))
    assert sum(len(weakness.sightings) for weakness in found) == len(sightings)


def test_thousands_of_finds_on_one_line_are_each_looked_at_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[RawFinding] = []

    def counted(finding: RawFinding) -> str:
        looked.append(finding)
        return code_text(finding)

    monkeypatch.setattr("pipeline.findings.fingerprint.code_text", counted)
    assert len(see([at(1, f"call({number})") for number in range(5000)])) == 5000
    assert len(looked) <= 2 * 5000
