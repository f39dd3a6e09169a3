# ruff: noqa: E501 - tables
"""Advisories: the smallest fixed version of the same line, written where the version stands."""

from __future__ import annotations

import msgspec
import pytest

from pipeline.fixes.advisory import Advisories
from pipeline.fixes.interface import Case, Refusal
from pipeline.fixes.text import SourceText
from pipeline.records import Domain, Finding, Hints, PackageLocation, Rule, Scanner, Severity
from pipeline.verification.service import Proposal, Service
from tests.verification.trees import settings, snapshot

CASES = [
    ("PyPI", "requirements.txt", "flask==2.0.0\nJinja2==2.10  # templates\n", "jinja2", "2.10", "2.11.3", "Jinja2==2.11.3  # templates\n"),
    ("PyPI", "requirements.txt", "requests[socks] >= 2.19.1\n", "requests", "2.19.1", "2.20.0", "requests[socks] >= 2.20.0\n"),
    ("PyPI", "pyproject.toml", 'dependencies = [\n  "PyYAML==5.3.1",\n]\n', "pyyaml", "5.3.1", "5.4", '  "PyYAML==5.4",\n'),
    ("PyPI", "poetry.lock", '[[package]]\nname = "urllib3"\nversion = "1.26.4"\n', "urllib3", "1.26.4", "1.26.5", 'version = "1.26.5"\n'),
    ("npm", "package.json", '{\n  "dependencies": {\n    "lodash": "^4.17.15"\n  }\n}\n', "lodash", "4.17.15", "4.17.21", '    "lodash": "^4.17.21"\n'),
    ("Maven", "pom.xml", "<dependency>\n<groupId>org.a</groupId>\n<artifactId>b</artifactId>\n<version>1.0.0</version>\n</dependency>\n",
     "org.a:b", "1.0.0", "1.0.1", "<version>1.0.1</version>\n"),
    ("Maven", "pom.xml", "<properties>\n<b.version>1.0.0</b.version>\n</properties>\n<dependency>\n<groupId>org.a</groupId>\n"
     "<artifactId>b</artifactId>\n<version>${b.version}</version>\n</dependency>\n", "org.a:b", "1.0.0", "1.0.1", "<b.version>1.0.1</b.version>\n"),
    ("Maven", "build.gradle", "dependencies {\n  implementation 'org.a:b:1.0.0'\n}\n", "org.a:b", "1.0.0", "1.0.1", "  implementation 'org.a:b:1.0.1'\n"),
    ("Go", "go.mod", "module m\n\nrequire (\n\tgolang.org/x/net v0.7.0\n)\n", "golang.org/x/net", "0.7.0", "0.17.0", "\tgolang.org/x/net v0.17.0\n"),
    ("crates.io", "Cargo.toml", '[dependencies]\ntime = { version = "0.1.44", features = [] }\n', "time", "0.1.44", "0.1.45", 'time = { version = "0.1.45", features = [] }\n'),
    ("crates.io", "Cargo.lock", '[[package]]\nname = "time"\nversion = "0.1.44"\n', "time", "0.1.44", "0.1.45", 'version = "0.1.45"\n'),
    ("RubyGems", "Gemfile", "gem 'rails', '~> 6.1.0'\n", "rails", "6.1.0", "6.1.7", "gem 'rails', '~> 6.1.7'\n"),
    ("Packagist", "composer.json", '{\n  "require": {\n    "twig/twig": "2.4.0"\n  }\n}\n', "twig/twig", "2.4.0", "2.7.0", '    "twig/twig": "2.7.0"\n'),
    ("PyPI", "setup.cfg", "[options]\ninstall_requires =\n    jinja2==2.10\n", "jinja2", "2.10", "2.11.3", "    jinja2==2.11.3\n"),
    ("Maven", "gradle/libs.versions.toml", '[versions]\nb = "1.0.0"\n\n[libraries]\nb = { module = "org.a:b", version.ref = "b" }\n', "org.a:b", "1.0.0", "1.0.1", 'b = "1.0.1"\n'),
    ("Maven", "build.gradle", "ext.bVersion = '1.0.0'\ndependencies {\n  implementation \"org.a:b:$bVersion\"\n}\n", "org.a:b", "1.0.0", "1.0.1", "ext.bVersion = '1.0.1'\n"),
    ("Go", "go.mod", "module m\n\nrequire golang.org/x/net v0.5.0\n\nreplace golang.org/x/net => golang.org/x/net v0.7.0\n", "golang.org/x/net", "0.7.0", "0.17.0",
     "replace golang.org/x/net => golang.org/x/net v0.17.0\n"),
    ("crates.io", "Cargo.toml", '[dependencies.time]\nversion = "0.1.44"\n', "time", "0.1.44", "0.1.45", 'version = "0.1.45"\n'),
    ("crates.io", "Cargo.toml", '[dependencies]\nt = { package = "time", version = "0.1.44" }\n', "time", "0.1.44", "0.1.45", 't = { package = "time", version = "0.1.45" }\n'),
    ("RubyGems", "Gemfile", "gem 'rack', '~> 2.2', '>= 2.2.3', require: false\n", "rack", "2.2.3", "2.2.6", "gem 'rack', '~> 2.2', '>= 2.2.6', require: false\n"),
    ("Docker", "Dockerfile", "FROM --platform=linux/amd64 nginx:1.20.0 AS web\n", "nginx", "1.20.0", "1.20.1", "FROM --platform=linux/amd64 nginx:1.20.1 AS web\n"),
    ("GitHub Actions", ".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - uses: tj-actions/changed-files@v41.0.0\n",
     "tj-actions/changed-files", "41.0.0", "41.0.1", "      - uses: tj-actions/changed-files@v41.0.1\n"),
]  # fmt: skip


def package(ecosystem, path, name, version, fixed):
    return Finding(
        fingerprint=f"{name}@{version}",
        scanner=Scanner(name="osv-scanner"),
        rule=Rule(id="CVE-2024-1"),
        severity=Severity.HIGH,
        domain=Domain.SCA,
        location=PackageLocation(ecosystem=ecosystem, name=name, version=version, path=path),
        message="a weakness",
        hints=Hints(fixed_versions=fixed),
    )


@pytest.mark.parametrize(("ecosystem", "path", "text", "name", "old", "new", "line"), CASES)
def test_the_version_is_written_where_it_stands(ecosystem, path, text, name, old, new, line):
    known = ecosystem if ecosystem != "Docker" else "npm"  # tags of images compare as versions do
    here = snapshot({path: text})
    about = package(known, path, name, old, ("99.0.0", new))
    (fix,) = Advisories().propose(Case(about, here))
    assert fix.replacement == line
    after = SourceText.of(path, text).replaced(fix.start_line, fix.end_line, fix.replacement)
    assert after == text.replace(old, new, 1)
    (verdict,) = Service(settings()).verify([Proposal(about, fix, here)])
    assert (verdict.outcome, verdict.check) == ("verified", None), verdict


def test_npm_lock_and_manifest_change_together_and_the_old_checksum_goes():
    lock = (
        '{\n  "packages": {\n    "node_modules/minimist": {\n      "version": "1.2.0",\n'
        '      "resolved": "https://registry.example/minimist/-/minimist-1.2.0.tgz",\n'
        '      "integrity": "sha512-old",\n      "license": "MIT"\n    }\n  }\n}\n'
    )
    here = snapshot(
        {"package-lock.json": lock, "package.json": '{\n  "dependencies": {\n    "minimist": "1.2.0"\n  }\n}\n'}
    )
    about = package("npm", "package-lock.json", "minimist", "1.2.0", ("1.2.6",))
    locked, manifest = Advisories().propose(Case(about, here))
    assert "minimist-1.2.6.tgz" in locked.replacement
    assert "sha512" not in locked.replacement
    assert manifest.replacement == '    "minimist": "1.2.6"\n'
    verdicts = Service(settings()).verify([Proposal(about, fix, here) for fix in (locked, manifest)])
    assert [verdict.outcome for verdict in verdicts] == ["verified", "verified"]


@pytest.mark.parametrize("text", ["jinja2-time==2.10\n", "# jinja2==2.10\n", "jinja2==2.9\n"])
def test_another_package_or_version_is_left_alone(text):
    about = package("PyPI", "requirements.txt", "jinja2", "2.10", ("2.11.3",))
    (refusal,) = Advisories().propose(Case(about, snapshot({"requirements.txt": text})))
    assert isinstance(refusal, Refusal)


def test_a_report_without_a_file_finds_the_only_manifest():
    about = package("PyPI", None, "jinja2", "2.10", ("2.11.3",))
    (fix,) = Advisories().propose(Case(about, snapshot({"api/requirements.txt": "Jinja2==2.10\n"})))
    assert fix.path == "api/requirements.txt"


@pytest.mark.parametrize(
    ("written", "outcome"), [("2.10.1", "refuted"), ("2.9", "refuted"), ("2.11.3", "verified"), ("3.0", "verified")]
)
def test_a_version_inside_the_range_is_refuted(written, outcome):
    here = snapshot({"requirements.txt": "Jinja2==2.10\n"})
    about = package("PyPI", "requirements.txt", "jinja2", "2.10", ("2.11.3",))
    (fix,) = Advisories().propose(Case(about, here))
    changed = type(fix)(
        **{name: getattr(fix, name) for name in fix.__struct_fields__} | {"replacement": f"Jinja2=={written}\n"}
    )
    (verdict,) = Service(settings()).verify([Proposal(about, changed, here)])
    assert verdict.outcome == outcome


def test_removing_the_package_is_refuted():
    here = snapshot({"requirements.txt": "flask==2.0.0\nJinja2==2.10\n"})
    about = package("PyPI", "requirements.txt", "jinja2", "2.10", ("2.11.3",))
    (fix,) = Advisories().propose(Case(about, here))
    changed = type(fix)(**{name: getattr(fix, name) for name in fix.__struct_fields__} | {"replacement": "# none\n"})
    (verdict,) = Service(settings()).verify([Proposal(about, changed, here)])
    assert verdict.outcome == "refuted"


def test_every_entry_of_the_weak_version_changes():
    text = '{\n  "dependencies": {\n    "lodash": "4.17.15"\n  },\n  "peerDependencies": {\n    "lodash": "^4.17.15"\n  }\n}\n'
    about, here = package("npm", "package.json", "lodash", "4.17.15", ("4.17.21",)), snapshot({"package.json": text})
    (fix,) = Advisories().propose(Case(about, here))
    assert [edit.text for edit in fix.companions] == ['    "lodash": "^4.17.21"\n']
    (verdict,) = Service(settings()).verify([Proposal(about, fix, here)])
    assert verdict.outcome == "verified"
    half = msgspec.structs.replace(fix, companions=())
    (verdict,) = Service(settings()).verify([Proposal(about, half, here)])
    assert (verdict.outcome, verdict.evidence) == ("refuted", "4.17.15 still stands in line 6")


def test_a_lock_with_checksums_is_left_to_its_own_tool_and_the_manifest_is_changed():
    lock = '[[package]]\nname = "time"\nversion = "0.1.44"\nchecksum = "' + "0123456789abcdef" * 4 + '"\n'
    here = snapshot({"Cargo.lock": lock, "Cargo.toml": '[dependencies]\ntime = "0.1.44"\n'})
    about = package("crates.io", "Cargo.lock", "time", "0.1.44", ("0.1.45",))
    refusal, manifest = Advisories().propose(Case(about, here))
    assert refusal == Refusal(reason="the lock file holds checksums of the release: lock again")
    assert manifest.path == "Cargo.toml"
