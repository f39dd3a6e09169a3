"""One weakness told by several formats or tools is one finding with all its origins."""

import json
from pathlib import Path

import pytest

from pipeline.records import Severity
from tests.artifacts.hostile import put
from tests.findings.running import parse
from tests.scanners.corpus import HERE

PAIRS = sorted(
    path.with_suffix("")
    for path in HERE.glob("*/*.sarif")
    if path.stem in ("one", "many") and path.with_suffix(".json").exists()
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.parent.name}-{pair.name}")
def test_sarif_and_native_json_of_one_run_are_one_finding_each(pair: Path, tmp_path: Path) -> None:
    native, sarif = (pair.with_suffix(suffix).read_bytes() for suffix in (".json", ".sarif"))
    for name, content in (("native/a.json", native), ("both/a.json", native), ("both/b.sarif", sarif)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    alone = parse(tmp_path / "out", tmp_path / "native").findings()
    both = parse(tmp_path / "out", tmp_path / "both", run="both").findings()
    assert len(both) == len(alone) > 0
    assert all(len({origin.artifact for origin in one.origins}) == 2 for one in both)


LOCK = "web/package-lock.json"
CVE, GHSA = "CVE-2020-8203", "GHSA-p6mc-m468-83gw"
LODASH = {"name": "lodash", "version": "4.17.15"}
TRIVY = {"VulnerabilityID": CVE, "PkgName": "lodash", "InstalledVersion": "4.17.15", "Severity": "HIGH"}
GRYPE = {
    "vulnerability": {"id": GHSA, "severity": "Unknown", "fix": {"versions": ["4.17.19"]}},
    "relatedVulnerabilities": [{"id": CVE}],
    "artifact": {**LODASH, "type": "npm", "locations": [{"path": f"/{LOCK}"}]},
}
OSV = {"package": {**LODASH, "ecosystem": "npm"}, "vulnerabilities": [{"id": GHSA, "aliases": [CVE]}]}
NPM = {"name": "lodash", "title": "T", "url": f"https://github.com/advisories/{GHSA}", "severity": "low"}
CHECKOV = {
    "check_id": "CKV_CVE_2020_8203",
    "file_path": f"/{LOCK}",
    "vulnerability_details": {"id": CVE, "package_name": "lodash", "package_version": "4.17.15"},
}
REPORTS = {
    "trivy": {
        "SchemaVersion": 2,
        "ArtifactName": ".",
        "Results": [{"Target": LOCK, "Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": [TRIVY]}],
    },
    "grype": {"matches": [GRYPE], "source": {"type": "directory"}, "descriptor": {"name": "grype"}},
    "osv": {"results": [{"source": {"path": f"/src/{LOCK}", "type": "lockfile"}, "packages": [OSV]}]},
    "npm": {"auditReportVersion": 2, "vulnerabilities": {"lodash": {"name": "lodash", "via": [NPM]}}},
    "checkov": {"check_type": "sca_package", "results": {"failed_checks": [CHECKOV]}},
    "semgrep": json.loads((HERE / "semgrep" / "odd-supply-chain.json").read_text()),
}


def test_six_tools_on_one_advisory_in_one_package_are_one_finding(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, report in REPORTS.items():
        (tmp_path / "in" / f"{name}.json").write_text(json.dumps(report))
    (found,) = parse(tmp_path / "out", tmp_path / "in").findings()
    assert len(found.origins) == len(REPORTS)
    assert found.rule.id == CVE and GHSA in found.aliases
    assert found.severity is Severity.HIGH and "severity-unknown" not in found.flags


LOG4J, JAR = "CVE-2021-44228", "lib/log4j-core-2.14.1.jar"
JAVA_GRYPE = {
    "vulnerability": {"id": LOG4J, "severity": "Critical"},
    "artifact": {
        "name": "log4j-core", "version": "2.14.1", "type": "java-archive", "locations": [{"path": f"/{JAR}"}],
        "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
    },
}  # fmt: skip
JAVA_TRIVY = {
    "VulnerabilityID": LOG4J, "PkgName": "org.apache.logging.log4j:log4j-core", "InstalledVersion": "2.14.1",
    "Severity": "CRITICAL", "PkgPath": JAR,
}  # fmt: skip


@pytest.mark.parametrize("image", [False, True])
def test_a_java_package_is_one_although_grype_names_only_its_artifact(image: bool, tmp_path: Path) -> None:
    source = {"type": "image", "target": {"userInput": "shop:1"}} if image else {"type": "directory", "target": "."}
    target = {"Target": "Java", "Class": "lang-pkgs", "Type": "jar", "Vulnerabilities": [JAVA_TRIVY]}
    documents = {
        "grype": {"matches": [JAVA_GRYPE], "source": source, "descriptor": {"name": "grype", "version": "0.90"}},
        "trivy": {
            "SchemaVersion": 2, "ArtifactName": "shop:1" if image else ".",
            "ArtifactType": "container_image" if image else "filesystem", "Results": [target],
        },
    }  # fmt: skip
    for name, document in documents.items():
        put(tmp_path, f"in/{name}.json", json.dumps(document).encode())
    (found,) = parse(tmp_path / "out", tmp_path / "in").findings()
    assert {origin.scanner for origin in found.origins} == {"grype", "trivy"}
