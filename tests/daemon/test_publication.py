"""What the service does about publishing: a person is told of a release to review."""

import json

import pytest

from daemon.cli import main
from daemon.places import REVIEW, told
from daemon.snapshot import snapshot
from daemon.store.records import RunState
from tests.daemon.bench import Bench
from tests.publishing.hub_stub import TOKEN, HubStub
from tests.publishing.test_release import lay_out

SAID = {"event": "review", "message": "ada/x-analysis is public, and not reviewed.", "hint": "Look at it."}


@pytest.fixture
def hub():
    stub = HubStub()
    yield stub
    stub.close()


def test_a_release_that_waits_for_review_is_told_once_shown_and_settled_by_publishing(scene, hub, monkeypatch):
    publish = {"endpoint": hub.url, "public": ["ada/x-analysis"], "source_licence": "mit"}
    one = scene(publish=publish, fine_tuning={"hf_repo_prefix": "ada/x", "base_model_name": "embedded"})
    bench = Bench(one)
    bench.add()
    bench.runner.step(0.0)
    run = bench.end(0, SAID, SAID, {"event": "summary", "run": "abc", "stages": {}})
    assert run.state == RunState.DONE
    assert one.told == [("fixsmith: A release waits for your review", f"Run 1: {SAID['message']} {SAID['hint']}")]
    assert any("not reviewed" in text for text in snapshot(one.config, 0.0).problems)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    lay_out(one.layout.workspace)
    words = ["publish", "--run", "abc123def456", "--config", str(one.config)]
    assert main(words) == 2, "nobody looked at it yet"
    assert one.store.fact(told(REVIEW), str)
    assert main([*words, "--yes"]) == 0
    assert snapshot(one.config, 0.0).problems == []


def test_no_database_no_matter(tmp_path, hub, monkeypatch):
    """Publishing from a workspace that no service ever saw."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    lay_out(tmp_path)
    config = tmp_path / "settings.yaml"
    tuning = {"hf_repo_prefix": "ada/x", "base_model_name": "embedded", "workspace_dir": str(tmp_path)}
    config.write_text(json.dumps({"publish": {"endpoint": hub.url}, "fine_tuning": tuning}))
    assert main(["publish", "--run", "abc123def456", "--config", str(config)]) == 0
    assert not (tmp_path / "service").exists()
