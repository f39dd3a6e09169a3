"""The full path with GitHub's own uploader and Azure's storage emulator as counterparts.

mkdir NODE; cd NODE; npm install with a package.json that holds
{"dependencies": {"@actions/artifact": "6.2.1", "azurite": "3.37.0"},
 "overrides": {"typedarray.prototype.slice": "1.0.5"}}
FIXSMITH_TEST_NODE=NODE pytest tests/daemon/test_uploader.py
"""

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.daemon.azure import Uploads
from tests.daemon.conftest import REPOSITORY
from tests.daemon.test_unattended import check_published, live_through

NODE = os.environ.get("FIXSMITH_TEST_NODE", "")
pytestmark = pytest.mark.skipif(
    not NODE or shutil.which("node") is None, reason="FIXSMITH_TEST_NODE names no folder with GitHub's uploader"
)


def test_what_githubs_uploader_stored_in_azure_arrives_whole(tmp_path, scene, github):
    folder = tmp_path / "reports"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "ünïcode.sarif").write_text("{}" * 1000)
    (folder / "bandit.json").write_bytes(os.urandom(3_000_000))
    raw = tmp_path / "trivy.json"
    raw.write_text('{"Results": []}')
    number = github.run(REPOSITORY)
    with Uploads(NODE, tmp_path / "azure", github) as uploads:
        uploads.upload(number, reports=folder, trivy=raw)
        one = scene()
        one.intake().step()
        log = uploads.azure.log.read_text()
    [queued] = one.store.queue.in_state("queued")
    got = {path.name: path for path in Path(queued.folder).rglob("*") if path.is_file()}
    with zipfile.ZipFile(got["reports.zip"]) as archive:
        assert set(archive.namelist()) == {"bandit.json", "deep/ünïcode.sarif"}
        assert archive.read("bandit.json") == (folder / "bandit.json").read_bytes()
    assert raw.read_bytes() in {path.read_bytes() for path in got.values()}
    digests = {artifact["digest"] for artifact in github.artifacts.values()}
    assert digests == {f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in got.values()}
    assert "GET" in log and "bearer" not in log.lower(), "the token went to the storage"


@pytest.mark.slow
def test_from_githubs_uploader_to_a_published_model_without_a_person(tmp_path, monkeypatch):
    def uploader(github):
        return Uploads(NODE, tmp_path / "azure", github)

    runs, shas = live_through(tmp_path, monkeypatch, uploader)
    check_published(tmp_path, runs, shas)
