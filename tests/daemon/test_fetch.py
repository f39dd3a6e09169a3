"""`fixsmith fetch`: an empty folder is filled from GitHub for a run by hand."""

import time

import pytest

from config.load import load_settings
from daemon.cli import main
from tests.daemon.conftest import REPOSITORY, write_settings
from tests.daemon.stand_in import TOKEN

REPORT = b'{"version": "2.1.0", "runs": []}'


@pytest.fixture
def fetch(tmp_path, github, monkeypatch, clock):
    clock.at = time.time()
    config = write_settings(tmp_path / "settings.yaml", tmp_path, github.base_url)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    return lambda *words: main(["fetch", "--config", str(config), *words])


def test_the_newest_scan_that_counts_fills_the_folder(fetch, github, clock, tmp_path, capsys):
    github.run(REPOSITORY, created=clock.now() - 300, artifacts={"old": REPORT})
    wanted = github.run(REPOSITORY, created=clock.now() - 200, artifacts={"scan": REPORT, "more": REPORT})
    github.run(REPOSITORY, created=clock.now() - 100, event="pull_request", artifacts={"forged": REPORT})
    assert fetch() == 0
    said = capsys.readouterr().out
    assert f"2 artifacts of workflow run {wanted} in artifacts" in said
    assert f"--repo {REPOSITORY} --branch main --commit {github.runs[wanted]['sha']}" in said
    assert [path.name.split("-")[1] for path in sorted((tmp_path / "artifacts").iterdir())] == ["scan", "more"]
    assert {path.name for path in tmp_path.iterdir()} == {"artifacts", "home", "settings.yaml"}
    assert fetch() == 2
    assert "isn't an empty folder" in capsys.readouterr().err


def test_a_repository_that_is_not_watched_needs_its_name_alone(fetch, github, clock, tmp_path):
    github.repository("acme/other")
    github.run("acme/other", created=clock.now() - 100, artifacts={"scan": REPORT})
    assert fetch("acme/other", "--artifacts-dir", str(tmp_path / "a" / "b")) == 0
    assert len(list((tmp_path / "a" / "b").iterdir())) == 1
    assert len(load_settings(tmp_path / "settings.yaml", {}).github.repositories) == 1


def test_nothing_that_counts_and_bytes_that_are_wrong_leave_no_folder(fetch, github, clock, tmp_path, capsys):
    github.run(REPOSITORY, created=clock.now() - 100, event="pull_request", artifacts={"forged": REPORT})
    assert fetch() == 1
    assert "its event is pull_request" in capsys.readouterr().err
    github.run(REPOSITORY, created=clock.now() - 90, artifacts={"older": REPORT})
    newest = github.run(REPOSITORY, created=clock.now() - 80, artifacts={"scan": REPORT})
    next(one for one in github.artifacts.values() if one["run"] == newest)["digest"] = f"sha256:{'0' * 64}"
    assert fetch() == 1
    assert f"Workflow run {newest}" in capsys.readouterr().err
    assert not (tmp_path / "artifacts").exists()
