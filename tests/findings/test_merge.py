"""What stays when many sightings become one finding."""

import msgspec

from pipeline.records import FileLocation, FlowStep, Hints, PackageLocation, Rule, Scanner, Severity, TextEdit
from tests.findings.test_fingerprint import package, raw, see

EDIT = TextEdit(path="a", start_line=1, end_line=1, text="safe()")


def test_the_highest_severity_and_score_are_kept() -> None:
    (finding,) = see(
        [package(rule="CVE-2020-1111", severity=Severity.LOW, cvss=9.1)],
        [package(rule="CVE-2020-1111", severity=Severity.HIGH, scanner="b")],
    )
    assert finding.severity is Severity.HIGH and finding.cvss == 9.1


def test_a_severity_nobody_named_counts_only_when_no_other_is() -> None:
    guessed = package(rule="CVE-2020-1111", scanner="b", severity=Severity.MEDIUM, flags=("severity-unknown",))
    (finding,) = see([package(rule="CVE-2020-1111", severity=Severity.LOW)], [guessed])
    assert finding.severity is Severity.LOW and finding.flags == ()
    (alone,) = see([guessed], [guessed])
    assert alone.severity is Severity.MEDIUM and alone.flags == ("severity-unknown",)


def test_cwes_versions_edits_flags_and_origins_are_united() -> None:
    def find(cwe: int, version: str, flag: str) -> object:
        return package(
            rule="CVE-2020-1111", scanner=flag, flags=(flag,), hints=Hints(fixed_versions=(version,), edits=((EDIT,),))
        )

    left, right = find(79, "10.0.0", "x"), find(20, "9.1.0", "y")
    (finding,) = see([left], [right])  # type: ignore[list-item]
    assert finding.hints.fixed_versions == ("9.1.0", "10.0.0"), "by version, not by text"
    assert finding.flags == ("x", "y") and finding.hints.edits == ((EDIT,),) and len(finding.origins) == 2


def test_the_fullest_sighting_gives_the_place_and_the_longest_flow_stays() -> None:
    place = FileLocation(path="a", start_line=1)
    exact = FileLocation(path="a", start_line=1, end_line=1, start_column=3, end_column=9)
    steps = (FlowStep(path="a", line=1), FlowStep(path="b", line=2))
    (finding,) = see([raw(place, flow=steps)], [raw(exact, snippet="eval(x)")])
    assert finding.location == exact and finding.flow == steps and finding.snippet == "eval(x)"


def test_rule_texts_are_filled_from_the_other_report() -> None:
    bare = raw(FileLocation(path="a", start_line=1))
    rule = Rule(id="R1", name="Rule one", help="Don't.", cwes=(79,), help_uri="https://x")
    full = raw(FileLocation(path="a", start_line=1)).__class__(
        **{name: getattr(bare, name) for name in bare.__struct_fields__}
        | {"rule": rule, "scanner": Scanner(name="acme", version="2")}
    )
    (finding,) = see([bare], [full])
    assert finding.rule == rule and finding.scanner.version == "2"


def test_the_shortest_snippet_stays() -> None:
    place = FileLocation(path="a", start_line=1)
    (finding,) = see([raw(place, snippet="x = 1\neval(x)\ny = 2")], [raw(place, snippet="eval(x)")])
    assert finding.snippet == "eval(x)"


def test_a_package_keeps_its_place() -> None:
    (finding,) = see([package(rule="CVE-2020-1111")])
    assert isinstance(finding.location, PackageLocation) and finding.location.name == "lodash"


def test_a_package_gets_its_package_url() -> None:
    bare = package(rule="CVE-2020-1111", name="@babel/core", version="7.1.0")
    (finding,) = see([bare])
    assert isinstance(finding.location, PackageLocation) and finding.location.purl == "pkg:npm/%40babel/core@7.1.0"
    given = PackageLocation(
        ecosystem="npm", name="@babel/core", version="7.1.0", purl="pkg:npm/%40babel/core@7.1.0?a=b"
    )
    (kept,) = see([bare], [msgspec.structs.replace(bare, location=given, scanner=Scanner(name="b"))])
    assert isinstance(kept.location, PackageLocation) and kept.location.purl == given.purl
    unknown = PackageLocation(ecosystem="Unheard-of", name="x", version="1")
    (other,) = see([msgspec.structs.replace(bare, location=unknown)])
    assert other.location == unknown, "no package URL is made up"
