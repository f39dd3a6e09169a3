"""`fixsmith train --upload`: what was trained from a data set alone, in private repositories of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from daemon.cli import main
from pipeline.models import blas, tiny
from pipeline.publishing.verify import verify
from tests.publishing.conftest import bytes_of
from tests.publishing.hub_stub import TOKEN
from tests.training.conftest import write

blas.load()


@pytest.fixture
def train(tmp_path: Path, hub, monkeypatch: pytest.MonkeyPatch):
    """Return a function that trains a tiny model on a few conversations and uploads it."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    base = tiny.make(tmp_path / "base", "olmo2")
    for kind in ("analysis", "codefix"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        write(tmp_path / "data" / kind / "train.jsonl", range(4), kind)
        write(tmp_path / "data" / kind / "valid.jsonl", range(20, 22), kind)
    config = tmp_path / "settings.yaml"

    def run(*more: str, data: Path = tmp_path / "data", **publish: object) -> int:
        tuning = {"rank": 4, "alpha": 8, "warmup_steps": 1, "dropout": 0, "batch_size": 4, "max_epochs": 1,
                  "base_model_name": str(base), "hf_repo_prefix": "ada/x"}  # fmt: skip
        publish = {"endpoint": hub.url, "retry_seconds": 0.05, **publish}
        config.write_text(json.dumps({"fine_tuning": tuning, "publish": publish}))
        words = ["train", "--dataset", str(data), "--output-name", "mine", "--output-dir", str(tmp_path / "workspace")]
        return main([*words, "--config", str(config), "--upload", *more])

    return run


def test_both_adapters_are_uploaded_with_card_and_lineage_that_holds(train, hub, tmp_path):
    assert train() == 0
    assert set(hub.repos) == {("model", "ada/x-mine-analysis"), ("model", "ada/x-mine-codefix")}
    assert all(len(repo.commits) == 2 and len(repo.tags) == 1 and repo.private for repo in hub.repos.values())
    made = tmp_path / "workspace" / "trained" / "mine" / "codefix"
    files = hub.files("model", "ada/x-mine-codefix")
    assert files["adapters.safetensors"] == (made / "adapters.safetensors").read_bytes()
    assert "peft/adapter_model.safetensors" in files and "result.json" not in files
    assert not any(str(tmp_path).encode() in content for content in files.values())
    release = tmp_path / "workspace" / "trained" / ".work" / "mine" / "release"
    assert bytes_of(str(release / "codefix")) == files
    for folder in (release, release / "codefix"):
        assert {one.state for one in verify(folder)} <= {"holds", "left out"}, verify(folder)
    card = ModelCard.load(release / "codefix" / "README.md")
    assert card.data.eval_results is None and "Nothing measured" in card.text


@pytest.mark.parametrize("name", ["ada/x-mine", "ada/x-mine-codefix"])
def test_what_nobody_measured_is_never_made_public_nor_trained_for_it(train, hub, tmp_path, capsys, name):
    assert train(public=[name]) == 2
    assert "nothing measures this model" in capsys.readouterr().err
    assert hub.requests == [] and not (tmp_path / "workspace" / "trained").exists()


def test_without_a_token_nothing_is_trained(train, hub, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("HF_TOKEN")
    assert train() == 2
    assert not (tmp_path / "workspace" / "trained").exists()
