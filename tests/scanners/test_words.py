"""Severities, scores, CWE numbers, domains and ecosystems."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.records import Domain, Severity
from pipeline.scanners import domain, severity
from pipeline.scanners.cvss import base_score
from pipeline.scanners.cwe import bare_number, cwe_numbers
from pipeline.scanners.ecosystems import ecosystem, of_lock_file

DOCS = Path(__file__).resolve().parents[2] / "docs" / "scanners.md"


@pytest.mark.parametrize(
    ("vector", "score"),
    [  # scores as NVD and FIRST's examples give them
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", 5.3),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("AV:N/AC:L/Au:N/C:P/I:N/A:N", 5.0),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("(AV:L/AC:H/Au:N/C:C/I:C/A:C)", 6.2),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N", None),
        ("CVSS:3.1/AV:N", None),
        ("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_base_score(vector: str | None, score: float | None) -> None:
    assert base_score(vector) == score


@pytest.mark.parametrize(
    ("score", "expected"),
    [(10.0, "critical"), (9.0, "critical"), (8.9, "high"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "info")],
)
def test_score_to_severity(score: float, expected: str) -> None:
    assert severity.from_score(score) == expected


def test_score_that_is_none_has_no_severity() -> None:
    assert severity.from_score(-1.0) is severity.from_score(11.0) is severity.from_score(float("nan")) is None


def test_nobody_named_a_severity() -> None:
    assert severity.first(None) is Severity.MEDIUM
    assert severity.flags_for(None) == ("severity-unknown",)
    assert severity.flags_for(None, Severity.LOW) == ()


def test_docs_show_every_word_of_every_scale() -> None:
    text = DOCS.read_text()
    for scale, words in severity.SCALES.items():
        for word, level in words.items():
            assert re.search(rf"\| {scale} \|[^\n]*`{re.escape(word)}` {level}", text), (scale, word)
    for word, level in severity.WORDS.items():
        assert f"`{word}` {level}" in text


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("CWE-79: Cross-site", (79,)),
        ("external/cwe/cwe-079", (79,)),
        ("cwe:564 CWE_20 cwe 89", (20, 89, 564)),
        ("CWE-79 and CWE-79", (79,)),
        ("https://cwe.mitre.org/data/definitions/79.html", (79,)),
        ("CWE\u201179", (79,)),
        ("CWE-0", ()),
        ("CWE-1234567", ()),
        ("recweigh 12", ()),
        (None, ()),
    ],
)
def test_cwe_spellings(text: str | None, numbers: tuple[int, ...]) -> None:
    assert cwe_numbers(text) == numbers


def test_bare_cwe_numbers() -> None:
    assert bare_number("89") == bare_number(89) == bare_number("CWE-89") == (89,)
    assert bare_number("-1") == bare_number(0) == bare_number("") == bare_number(None) == ()


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("x", "web/Dockerfile", Domain.CONTAINER),
        ("x", "web/prod.Dockerfile", Domain.CONTAINER),
        ("x", "docker-compose.prod.yml", Domain.CONTAINER),
        ("x", "infra/main.tf", Domain.IAC),
        ("x", ".github/workflows/build.yml", Domain.IAC),
        ("x", "charts/shop/templates/a.yaml", Domain.IAC),
        ("x", "manifests/site.pp", Domain.IAC),
        ("x", "api/openapi.yaml", Domain.API),
        ("x", "web/app.py", Domain.SAST),
        ("x", "config/app.yaml", Domain.SAST),
        ("generic.secrets.security.detected-key", "web/app.py", Domain.SECRETS),
        ("CKV_SECRET_6", "web/app.py", Domain.SECRETS),
        ("CKV_DOCKER_2", "x", Domain.CONTAINER),
        ("yaml.github-actions.security.x", "x.yml", Domain.IAC),
        ("python.lang.security.insecure-hash", "web/app.py", Domain.SAST),
    ],
)
def test_domain_by_rule_and_file(rule: str, path: str, expected: Domain) -> None:
    assert domain.of_rule(rule, path) is expected


def test_ecosystems_have_one_name_each() -> None:
    assert {ecosystem(word) for word in ("jar", "pom", "java-archive", "Maven")} == {"Maven"}
    assert {ecosystem(word) for word in ("python-pkg", "pip", "PyPI", "python")} == {"PyPI"}
    assert ecosystem("Invented") == "Invented"
    assert ecosystem(None) == "unknown"
    assert of_lock_file("web/package-lock.json") == "npm"
    assert of_lock_file("requirements-dev.txt") == "PyPI"
