"""A file of an image or a cluster is none of the repository, and none of another image."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.findings.formats.place import describe
from pipeline.findings.formats.sarif import write_sarif
from pipeline.records import FileLocation
from pipeline.source.place import place_of
from tests.artifacts.hostile import put
from tests.findings.running import parse

CODE = {"Lines": [{"Number": 3, "Content": "key = ********", "IsCause": True}]}
SECRET = {
    "RuleID": "aws-access-key-id",
    "Severity": "CRITICAL",
    "Title": "AWS",
    "StartLine": 3,
    "EndLine": 3,
    "Code": CODE,
}


def image(name: str) -> dict[str, Any]:
    targets = [{"Target": "/app/.env", "Class": "secret", "Secrets": [SECRET]}]
    return {"SchemaVersion": 2, "ArtifactName": name, "ArtifactType": "container_image", "Results": targets}


def as_sarif(name: str) -> dict[str, Any]:
    region = {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 1}
    place = {"artifactLocation": {"uri": "app/.env", "uriBaseId": "ROOTPATH"}, "region": region}
    message = {"text": "Artifact: /app/.env\nType: \nSecret AWS\nSeverity: CRITICAL\nMatch: key = ********"}
    result = {"ruleId": "aws-access-key-id", "message": message, "locations": [{"physicalLocation": place}]}
    rule = {"id": "aws-access-key-id", "name": "Secret", "shortDescription": {"text": "AWS"}}
    run = {
        "tool": {"driver": {"name": "Trivy", "rules": [rule]}},
        "results": [result],
        "originalUriBaseIds": {"ROOTPATH": {"uri": "file:///"}},
        "properties": {"imageName": name},
    }
    return {"version": "2.1.0", "runs": [run]}


def cluster(*namespaces: str) -> dict[str, Any]:
    wrong = {"ID": "KSV012", "Title": "Runs as root", "Severity": "MEDIUM", "Status": "FAIL", "Message": "Runs as root"}
    results = [{"Target": "Deployment/shop", "Class": "config", "Type": "kubernetes", "Misconfigurations": [wrong]}]
    resources = [{"Namespace": name, "Kind": "Deployment", "Name": "shop", "Results": results} for name in namespaces]
    return {"ClusterName": "minikube", "Resources": resources}


@pytest.mark.parametrize("form", [image, as_sarif])
def test_the_same_file_of_two_images_is_two_weaknesses(tmp_path: Path, form: Any) -> None:
    for name in ("shop:1", "cart:1"):
        put(tmp_path, f"in/{name[:4]}.json", json.dumps(form(name)).encode())
    found = parse(tmp_path / "out", tmp_path / "in").findings()
    assert sorted(describe(one.location) for one in found) == ["cart:1: app/.env:3", "shop:1: app/.env:3"]
    assert {place_of(one) for one in found} == {"inside_an_image"}


def test_one_image_in_two_formats_is_one_weakness(tmp_path: Path) -> None:
    put(tmp_path, "in/a.json", json.dumps(image("shop:1")).encode())
    put(tmp_path, "in/a.sarif", json.dumps(as_sarif("shop:1")).encode())
    (found,) = parse(tmp_path / "out", tmp_path / "in").findings()
    assert len(found.origins) == 2 and isinstance(found.location, FileLocation) and found.location.inside == "shop:1"


def test_a_file_of_the_repository_is_another_than_one_of_an_image(tmp_path: Path) -> None:
    for kind in ("container_image", "filesystem"):
        put(tmp_path, f"in/{kind}.json", json.dumps({**image("shop:1"), "ArtifactType": kind}).encode())
    found = parse(tmp_path / "out", tmp_path / "in").findings()
    assert len({one.fingerprint for one in found}) == 2
    stream = io.StringIO()
    write_sarif(found, stream)
    results = [result for run in json.loads(stream.getvalue())["runs"] for result in run["results"]]
    places = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results}
    assert places == {"app/.env", "./shop:1/app/.env"}


def test_resources_of_one_name_in_two_namespaces_are_two_weaknesses(tmp_path: Path) -> None:
    put(tmp_path, "in/cluster.json", json.dumps(cluster("staging", "production")).encode())
    found = parse(tmp_path / "out", tmp_path / "in").findings()
    assert sorted(describe(one.location) for one in found) == [
        "namespace production: Deployment/shop:1", "namespace staging: Deployment/shop:1",
    ]  # fmt: skip
