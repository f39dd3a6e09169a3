"""`process_artifacts --upload-model`: from the gate to the Hub, in one command, and again."""

import json

import pytest

from tests.evaluation.test_flow import BETTER, run  # noqa: F401
from tests.publishing.hub_stub import TOKEN


@pytest.fixture
def settings(hub, tmp_path, run):  # noqa: F811
    """Add the stub Hub to the settings of the command."""
    path = tmp_path / "settings.yaml"
    path.write_text(path.read_text() + f"publish:\n  endpoint: {hub.url}\n  retry_seconds: 0.05\n"
                    "fine_tuning:\n  hf_repo_prefix: ada/x\n  base_model_name: embedded\n")  # fmt: skip
    return path


def test_what_passed_the_gate_is_on_the_hub_once(run, settings, hub, tmp_path, monkeypatch, capfd):  # noqa: F811
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert run(BETTER) == 0
    assert hub.requests == [], "nothing leaves unless it is asked for"
    for _ in range(2):
        assert run(BETTER, "--upload-model") == 0
    names = {("model", "ada/x-analysis"), ("model", "ada/x-codefix"), ("dataset", "ada/x-data")}
    assert set(hub.repos) == names
    assert all(len(repo.commits) == 2 and len(repo.tags) == 1 and repo.private for repo in hub.repos.values())
    assert hub.files("model", "ada/x-analysis")["adapters.safetensors"] == b"one"
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 1, "uploading is no other run"
    out, err = capfd.readouterr()
    assert TOKEN not in out + err


def test_a_public_release_waits_for_a_person_and_says_so_to_the_service(run, settings, hub, monkeypatch, capfd):  # noqa: F811
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    settings.write_text(settings.read_text().replace("publish:\n", "publish:\n  public: [ada/x-analysis]\n"))
    assert run(BETTER, "--upload-model", "--json") == 0
    assert hub.requests == []
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    [review] = [line for line in lines if line.get("event") == "review"]
    assert "ada/x-analysis is public" in review["message"] and "--review" in review["hint"]


def test_what_isnt_better_stays_here(run, settings, hub, monkeypatch):  # noqa: F811
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert run({"base": 0.6, "stage-1": 0.61, "stage-2": 0.6}, "--upload-model") == 4
    assert hub.requests == []


def test_the_token_may_lie_in_the_keychain(run, settings, hub, keychain):  # noqa: F811
    keychain("huggingface", TOKEN)
    assert run(BETTER, "--upload-model") == 0
    assert len(hub.repos) == 3


def test_without_a_token_it_says_so_before_anything_is_trained(run, settings, hub, tmp_path, monkeypatch, capfd):  # noqa: F811
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    assert run(BETTER, "--upload-model") == 2
    assert "There is no token" in capfd.readouterr().err
    assert not (tmp_path / "out" / "runs").exists()
