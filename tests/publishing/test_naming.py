"""`publish.naming: timestamp`: a repository for each run, named by when it began; and the token from the keychain."""

import json
import os
from pathlib import Path

import pytest

from config.keychain import KeychainClosed
from config.settings import Publish
from config.tokens import hub_token
from daemon.cli import main
from tests.publishing.hub_stub import TOKEN
from tests.publishing.test_release import lay_out

BEGAN = {"runa": 1_760_000_000, "runb": 1_760_000_061}
STAMPS = {"runa": "20251009-085320", "runb": "20251009-085421"}


@pytest.fixture
def config(tmp_path: Path, hub) -> Path:
    path = tmp_path / "settings.yaml"
    publish = {"endpoint": hub.url, "naming": "timestamp", "retry_seconds": 0.05}
    tuning = {"hf_repo_prefix": "ada/x", "base_model_name": "embedded", "workspace_dir": str(tmp_path)}
    path.write_text(json.dumps({"publish": publish, "fine_tuning": tuning}))
    return path


def finished(workspace: Path, run: str) -> Path:
    release = lay_out(workspace, run, naming="timestamp")
    os.utime(release.parents[1] / "collect" / "manifest.json", (BEGAN[run],) * 2)
    return release


def test_each_run_gets_repositories_of_its_own_and_a_repeat_none(tmp_path, hub, config, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for run in BEGAN:
        finished(tmp_path, run)
        for _ in range(2):
            assert main(["publish", "--run", run, "--config", str(config)]) == 0
    wanted = {f"ada/x-{part}-{stamp}" for part in ("analysis", "codefix", "data") for stamp in STAMPS.values()}
    assert {name for _, name in hub.repos} == wanted
    assert all(len(repo.commits) == 2 and len(repo.tags) == 1 for repo in hub.repos.values())


@pytest.mark.parametrize(("laid_out", "into"), [("ada/x-codellama-sast", "ada/x-codellama-sast"), ("", "ada/x")])
def test_a_release_goes_where_its_cards_say_it_is(tmp_path, laid_out, into):
    manifest = lay_out(tmp_path, "runa").parent / "manifest.json"
    known = json.loads(manifest.read_text())
    assert known["counts"]["prefix"] == "ada/x"
    manifest.write_text(json.dumps(known | {"counts": known["counts"] | {"prefix": laid_out}}))
    (tmp_path / "settings.yaml").write_text("fine_tuning: {hf_repo_prefix: ada/x}\n")
    command = ["publish", "--run", "runa", "--output-dir", str(tmp_path), "--folder", str(tmp_path / "hub")]
    assert main([*command, "--config", str(tmp_path / "settings.yaml")]) == 0
    assert {path.name for path in (tmp_path / "hub" / "ada").iterdir()} == {
        f"{into.removeprefix('ada/')}-{part}" for part in ("analysis", "codefix", "data")
    }


def test_a_release_laid_out_for_another_name_is_laid_out_again(tmp_path, capfd):
    lay_out(tmp_path, "runa")
    for prefix in ("ada/y", "eve/x", "''"):
        (tmp_path / "settings.yaml").write_text(f"fine_tuning: {{hf_repo_prefix: {prefix}}}\n")
        command = ["publish", "--run", "runa", "--output-dir", str(tmp_path), "--folder", str(tmp_path / "hub")]
        assert main([*command, "--config", str(tmp_path / "settings.yaml")]) == 2
        assert "laid out for ada/x" in capfd.readouterr().err
    assert not (tmp_path / "hub").exists()


def test_the_hubs_token_may_lie_in_the_keychain(tmp_path, hub, config, keychain):
    keychain("github", "of-github")
    finished(tmp_path, "runa")
    assert main(["publish", "--run", "runa", "--config", str(config)]) == 2
    assert hub.requests == [], "GitHub's token went to the Hub"
    keychain("huggingface", TOKEN)
    assert main(["publish", "--run", "runa", "--config", str(config)]) == 0
    assert len(hub.repos) == 3


def test_a_locked_keychain_is_a_sentence_and_a_named_file_goes_before_it(tmp_path):
    def locked() -> str:
        raise KeychainClosed("The keychain is locked or can't be used.")

    with pytest.raises(KeychainClosed, match="locked"):
        hub_token(Publish(), {}, locked)
    path = tmp_path / "token"
    path.write_text("of-the-file\n")
    path.chmod(0o600)
    assert hub_token(Publish(token_file=str(path)), {}, locked).reveal() == "of-the-file"
    assert hub_token(Publish(), {"HF_TOKEN": "of-the-environment"}, locked).reveal() == "of-the-environment"
