"""Secrets of forty kinds in every text field of a finding, and in no file that is written."""

import json
from pathlib import Path

import msgspec
import pytest

from pipeline.findings.normalise import Normaliser
from pipeline.findings.redaction import PLACEHOLDER, Redactor
from pipeline.records import (
    Domain,
    FileLocation,
    FlowStep,
    Hints,
    ImageLocation,
    PackageLocation,
    Rule,
    Scanner,
    Severity,
    TextEdit,
    UrlLocation,
)
from pipeline.scanners.interface import RawFinding
from tests.artifacts.hostile import put, zip_bytes
from tests.findings.running import parse, result, sarif
from tests.findings.secrets import CONTEXTS, TOKENS, pem

PLANTED = {kind: secret for kind, secret in TOKENS.items() if kind != "slack webhook"}
KINDS = {**{kind: (secret, secret) for kind, secret in PLANTED.items()},
         **{kind: (frame.format(secret), secret) for kind, (frame, secret) in CONTEXTS.items()}}  # fmt: skip


def everywhere(text: str, secrets: tuple[str, ...] = ()) -> list[RawFinding]:
    """Return findings with the text in each of their text fields."""
    locations = (
        FileLocation(path=text, start_line=1),
        PackageLocation(ecosystem="npm", name=text, version=text, purl=text, path=text),
        ImageLocation(image=text, package=text, version=text, path=text),
        UrlLocation(url=text, method=text, parameter=text),
    )
    edit = TextEdit(path=text, start_line=1, end_line=1, text=text)
    return [
        RawFinding(
            scanner=Scanner(name=text, version=text), rule=Rule(id=text, name=text, help=text, help_uri=text),
            severity=Severity.HIGH, domain=Domain.SAST, location=location, message=text, pointer=text, snippet=text,
            aliases=(text,), hints=Hints(fixed_versions=(text,), fix_text=text, edits=((edit,),)),
            flow=(FlowStep(path=text, line=1, message=text),), secrets=secrets,
        )
        for location in locations
    ]  # fmt: skip


def test_there_are_at_least_forty_kinds() -> None:
    assert len(PLANTED) >= 40 and len(KINDS) >= 60


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_a_finding_keeps_a_secret(kind: str) -> None:
    text, secret = KINDS[kind]
    normaliser = Normaliser(Redactor(b"k" * 32))
    for raw in everywhere(text):
        encoded = msgspec.json.encode(normaliser.finding(raw)).decode()
        assert secret not in encoded and json.dumps(secret)[1:-1] not in encoded


def test_what_one_scanner_reports_is_redacted_in_the_findings_of_all() -> None:
    normaliser = Normaliser(Redactor(b"k" * 32, ["plum-tree-window"]))
    for raw in everywhere("the plum-tree-window here", ("plum-tree-window",)):
        assert "plum-tree" not in msgspec.json.encode(normaliser.finding(raw)).decode()


def planted_sarif(text: str) -> dict:
    """Return a SARIF document with the text in all of its text fields."""
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": "src/app.py"},
            "region": {"startLine": 3, "snippet": {"text": text}},
            "contextRegion": {"startLine": 1, "snippet": {"text": text}},
        },
        "message": {"text": text},
        "logicalLocations": [{"name": text, "fullyQualifiedName": text}],
    }
    replacement = {"deletedRegion": {"startLine": 3}, "insertedContent": {"text": text}}
    found = {
        "ruleId": "R1", "message": {"text": text, "markdown": text}, "locations": [place],
        "codeFlows": [{"threadFlows": [{"locations": [{"location": place}]}]}],
        "fixes": [{"description": {"text": text},
                   "artifactChanges": [{"artifactLocation": {"uri": "src/app.py"}, "replacements": [replacement]}]}],
        "partialFingerprints": {"commitSha": text, "email": text, "author": text},
        "properties": {"match": text},
    }  # fmt: skip
    rule = {
        "id": "R1", "name": text, "shortDescription": {"text": text}, "fullDescription": {"text": text},
        "help": {"text": text, "markdown": text}, "properties": {"tags": [text]},
    }  # fmt: skip
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Acme", "rules": [rule]}}, "results": [found]}]}


def leak(secret: str, number: int) -> dict:
    """Return what Gitleaks writes of a secret."""
    return {
        "RuleID": "generic-api-key", "Description": "Found one", "StartLine": number + 1, "EndLine": number + 1,
        "StartColumn": 1, "EndColumn": 9, "Match": f"k = '{secret}'", "Secret": secret, "File": "src/leak.py",
        "SymlinkFile": "", "Commit": "", "Entropy": 4, "Author": "A", "Email": TOKENS["e-mail"], "Date": "",
        "Message": f"add {secret}", "Tags": [], "Fingerprint": f"src/leak.py:generic-api-key:{number}",
    }  # fmt: skip


@pytest.mark.parametrize("broken", [False, True])
def test_no_file_of_a_run_keeps_a_secret(tmp_path: Path, broken: bool) -> None:
    secrets = {**PLANTED, "key block": pem(), **{kind: secret for kind, (_, secret) in CONTEXTS.items()}}
    texts = [text for text, _ in KINDS.values()] + [secrets["key block"]]
    put(tmp_path, "in/gitleaks/leaks.json", json.dumps([leak(s, n) for n, s in enumerate(secrets.values())]).encode())
    documents = {f"{number}.sarif": json.dumps(planted_sarif(text)).encode() for number, text in enumerate(texts)}
    put(tmp_path, "in/sarif.zip", zip_bytes({name: b[:-9] if broken else b for name, b in documents.items()}))
    put(tmp_path, f"in/odd/{PLANTED['npm']}.json", b'{"cut": ')
    put(tmp_path, "in/other/a.sarif", sarif([result("R2", "a.py", 1, message=f"see {s}") for s in secrets.values()]))
    parsed = parse(tmp_path / "out", tmp_path / "in")
    assert parsed.manifest.counts["reports"] >= 2
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != "redaction.key"]
    assert len(written) >= 6
    for path in written:
        content = path.read_text()
        for kind, secret in secrets.items():
            assert secret not in content and json.dumps(secret)[1:-1] not in content, (path, kind)
            assert secret not in str(path)
    assert PLACEHOLDER.search(parsed.content().decode())
