"""Versions by their ecosystem's rules, and the smallest fix on the same branch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings.versions import order_versions, package_key, package_url, parse_version, smallest_fix


@pytest.mark.parametrize(
    ("ecosystem", "ascending"),
    [
        ("PyPI", ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.2", "1.10", "1!0.5"]),
        ("npm", ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0", "1.10.0"]),
        ("Maven", ["1.0-alpha-1", "1.0-beta-1", "1.0-rc1", "1.0-SNAPSHOT", "1.0", "1.0-sp1", "1.1", "1.10"]),
        ("Go", ["v0.9.0", "v0.17.0", "v1.0.0-rc.1", "v1.0.0", "v1.2.3"]),
        ("crates.io", ["0.9.0", "0.10.0-pre.1", "0.10.0", "1.0.0"]),
        ("RubyGems", ["1.0.0.beta1", "1.0.0", "1.9.0", "1.10.0"]),
        ("NuGet", ["1.0.0-beta", "1.0.0", "1.0.0.1", "1.10.0"]),
        ("Packagist", ["1.0.0-beta1", "1.0.0", "1.9.0", "1.10.0"]),
        ("Debian:12", ["1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.10-1", "1:0.1-1"]),
        ("Alpine:v3.19", ["1.2.3_rc1-r0", "1.2.3-r0", "1.2.3-r1", "1.2.3-r10"]),
        ("Red Hat", ["1.0-1.el8", "1.0-2.el8", "1.0-10.el8", "1:0.1-1.el8"]),
    ],
)
def test_versions_go_in_their_ecosystems_order(ecosystem: str, ascending: list[str]) -> None:
    assert order_versions(ecosystem, reversed(ascending)) == ascending


@pytest.mark.parametrize(
    ("ecosystem", "current", "candidates", "expected"),
    [
        ("Maven", "1.78", ["1.78.1", "1.79", "2.0.8"], "1.78.1"),
        ("Maven", "1.3.5", ["1.3.15", "1.5.13"], "1.3.15"),
        ("Maven", "1.5.6", ["1.3.15", "1.5.13"], "1.5.13"),
        ("npm", "4.17.1", ["4.17.12", "5.0.0"], "4.17.12"),
        ("npm", "4.16.0", ["4.17.12", "4.17.3", "5.0.0"], "4.17.3"),
        ("npm", "3.9.0", ["5.0.0", "4.17.12"], "4.17.12"),
        ("npm", "9.0.0", ["4.17.12"], None),
        ("npm", "4.17.12", ["4.17.12"], None),
        ("npm", "4.17.1", ["4.17.2-rc.1", "4.17.12"], "4.17.12"),
        ("npm", "4.17.1", ["4.17.2-rc.1"], "4.17.2-rc.1"),
        ("npm", "4.17.2-rc.0", ["4.17.2-rc.1", "4.18.0"], "4.17.2-rc.1"),
        ("PyPI", "2.9", ["2.10", "3.0"], "2.10"),
        ("Go", "v0.9.0", ["0.17.0"], "0.17.0"),
        ("Debian:12", "1.2.3-1", ["1.2.3-1+deb12u1"], "1.2.3-1+deb12u1"),
        ("PyPI", None, ["1.0", "2.0"], None),
        ("PyPI", None, ["1.0"], "1.0"),
        ("PyPI", "1.0", ["not a version"], None),
        ("Unheard-of", "1.0", ["1.1", "1.2"], None),
        ("npm", "4.17.1", [], None),
    ],
)
def test_the_smallest_fix_is_on_the_same_branch(
    ecosystem: str, current: str | None, candidates: list[str], expected: str | None
) -> None:
    assert smallest_fix(ecosystem, current, candidates) == expected


@pytest.mark.parametrize(
    ("ecosystem", "name", "expected"),
    [
        ("Maven", "org.x:core", "pkg:maven/org.x/core@1"),
        ("npm", "@babel/core", "pkg:npm/%40babel/core@1"),
        ("PyPI", "Ruamel.Yaml", "pkg:pypi/ruamel-yaml@1"),
        ("Go", "golang.org/x/crypto", "pkg:golang/golang.org/x/crypto@1"),
        ("Debian:12", "openssl", "pkg:deb/debian/openssl@1"),
        ("Unheard-of", "x", None),
    ],
)
def test_package_urls(ecosystem: str, name: str, expected: str | None) -> None:
    assert package_url(ecosystem, name, "1") == expected


def test_ecosystem_names_of_different_tools_mean_the_same() -> None:
    assert package_key("PyPI", "Flask_Login") == package_key("pip", "flask-login")
    assert package_key("Maven", "org.x:core") == package_key("maven", "org.x/core")


ECOSYSTEMS = [
    "PyPI",
    "npm",
    "Maven",
    "Go",
    "crates.io",
    "RubyGems",
    "NuGet",
    "Packagist",
    "Debian",
    "Alpine",
    "Red Hat",
]


@given(
    st.sampled_from(ECOSYSTEMS),
    st.lists(st.text(max_size=12) | st.from_regex(r"\A\d{1,3}(\.\d{1,4}){0,3}(-[a-z0-9]{1,4})?\Z"), max_size=6),
)
def test_any_text_is_ordered_or_left_alone(ecosystem: str, versions: list[str]) -> None:
    ordered = order_versions(ecosystem, versions)
    assert sorted(ordered) == sorted(set(versions))
    assert order_versions(ecosystem, reversed(versions)) == ordered
    for current in versions[:2]:
        fix = smallest_fix(ecosystem, current, versions)
        assert fix is None or parse_version(ecosystem, fix) is not None
