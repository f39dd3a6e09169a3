"""Models and releases whose files are damaged, missing or not ours to write: a sentence, and nothing lost."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from daemon.cli import main
from pipeline import champions
from pipeline.publishing import registry
from pipeline.publishing.interface import Unreachable
from pipeline.publishing.local import LocalTarget
from pipeline.stage import RunFolder
from tests.publishing.conftest import bytes_of, release
from tests.publishing.test_release import lay_out

COUNTS = {"base_model": "embedded", "base_digest": "d"}


def run(workspace: Path, number: int) -> Path:
    """Return a run with two trained specialists, each run's of its own weights."""
    folder = workspace / "runs" / f"run{number}"
    for specialist in ("analysis", "codefix"):
        stage = folder / f"train-{specialist}"
        (stage / "model").mkdir(parents=True)
        save_file({"w": np.full(4, number, dtype=np.float32)}, stage / "model" / "adapters.safetensors")
        (stage / "manifest.json").write_text(json.dumps(
            {"stage": stage.name, "key": "", "code": "", "settings": {}, "inputs": {}, "outputs": {}, "counts": COUNTS}
        ))  # fmt: skip
    (folder / "collect").mkdir()
    (folder / "collect" / "manifest.json").write_text("{}")
    os.utime(folder / "collect" / "manifest.json", (1e9 + number, 1e9 + number))
    return folder


def models(workspace: Path, *words: str) -> int:
    return main(["models", *words, "--output-dir", str(workspace)])


def test_a_damaged_model_is_listed_as_such_and_the_others_as_ever(tmp_path, capfd):
    for number in range(3):
        run(tmp_path, number)
    (tmp_path / "runs/run1/train-analysis/manifest.json").write_text('{"stage": "tr')
    (tmp_path / "runs/run2/train-codefix/model/adapters.safetensors").unlink()
    (tmp_path / "runs/stray").write_text("a file")
    shutil.rmtree(tmp_path / "runs/run0/collect")
    assert models(tmp_path, "list") == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 6 and [line for line in lines if line.endswith("  damaged")] == [
        line for line in lines if line.startswith("run1/analysis")
    ]
    for action in ("show", "test"):
        assert models(tmp_path, action, "run1/analysis") == 1
        assert "is damaged" in capfd.readouterr().err
    assert models(tmp_path, "show", "run1/codefix") == 0
    assert models(tmp_path, "show", "nobody") == 2


@pytest.mark.parametrize("words", [("list",), ("show", "analysis"), ("test", "analysis"), ("prune",),
                                   ("rollback", "analysis"), ("verify", ".")])  # fmt: skip
def test_without_a_workspace_every_action_says_so(tmp_path, capfd, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert models(tmp_path / "none", *words) in (0, 2, 3)
    out, err = capfd.readouterr()
    assert out + err and "Traceback" not in err


def test_the_last_copy_of_a_champion_stays_though_its_own_folder_is_gone(tmp_path):
    for number in range(4):
        folder = run(tmp_path, number)
        if number == 0:
            champions.promote(tmp_path, RunFolder(folder, "code"), ("analysis",))
    (tmp_path / "latest").symlink_to("runs/run3")
    shutil.rmtree(tmp_path / "champions" / "run0")
    registry.prune(tmp_path, 1, really=True)
    assert {one.run for one in registry.models(tmp_path)} == {"run0", "run3"}
    (tmp_path / "champions" / "run0" / "analysis").mkdir(parents=True)
    (tmp_path / "champions" / "run0" / "analysis" / "champion.json").write_text('{"run"')
    champions.promote(tmp_path, RunFolder(tmp_path / "runs" / "run0", "code"), ("analysis",))
    assert champions.about(tmp_path / "champions" / "run0" / "analysis") == champions.line(tmp_path)[0]
    assert len(champions.line(tmp_path)) == 1


def test_a_damaged_line_of_succession_keeps_everything(tmp_path, capfd):
    for number in range(3):
        run(tmp_path, number)
    (tmp_path / "champions").mkdir()
    (tmp_path / "champions" / "champions.jsonl").write_text('{"run": "run0"\n')
    assert models(tmp_path, "prune", "--keep", "1", "--yes") == 1
    assert "champions.jsonl, line 1" in capfd.readouterr().err
    assert len(list((tmp_path / "runs").glob("*/train-*"))) == 6


@pytest.mark.parametrize("damage", ["story", "files", "both", "head"])
def test_a_damaged_folder_is_published_into_again_whole(tmp_path, damage):
    target, what = LocalTarget(tmp_path / "published"), release(tmp_path)
    target.publish(what, lambda *_: None)
    home = tmp_path / "published" / "ada/x-analysis"
    if damage in ("story", "both"):
        (home / "abc123.release.json").write_text('{"run": ')
    if damage in ("files", "both"):
        shutil.rmtree(home / "abc123")
    if damage == "head":
        (home / "main").unlink()
        (home / "main").symlink_to("nowhere")
    for already in (damage == "head", True):
        (one,) = target.publish(what, lambda *_: None)
        assert one.already is already and not one.note
    assert bytes_of(str(home / "main")) == bytes_of(str(home / "abc123")) == bytes_of(what.parts[0].folder)
    assert not list(home.glob(".*.tmp"))


def test_a_folder_that_cant_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Unreachable, match="can't be written"):
            LocalTarget(folder).publish(release(tmp_path), lambda *_: None)


def test_review_shows_what_would_keep_a_release_here(tmp_path, capfd, monkeypatch):
    made = lay_out(tmp_path)
    (tmp_path / "latest").symlink_to("runs/abc123def456")
    (tmp_path / "settings.yaml").write_text("fine_tuning: {hf_repo_prefix: ada/x}\n")
    command = ["publish", "--review", "--output-dir", str(tmp_path), "--config", str(tmp_path / "settings.yaml")]
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert main(command) == 0
    assert "Nothing was found that keeps it from leaving." in capfd.readouterr().out
    (made / "codefix" / ".DS_Store").write_text("x")
    assert main(command) == 3
    out, err = capfd.readouterr()
    assert "ada/x-codefix (model, private)" in out and "codefix/.DS_Store was added" in err
