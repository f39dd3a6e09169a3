"""`fixsmith worker prepare`: the recipe's examples and a spec the worker takes; too dear a training is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.cli import main
from pipeline.disk import digest_file
from pipeline.remote import shipped
from pipeline.remote.contract import read_spec


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "dataset"
    folder.mkdir()
    for name, count in (("train", 6), ("valid", 2)):
        turns = [{"role": "user", "content": "Why?" * 50}, {"role": "assistant", "content": "So."}]
        domains = [domain for domain in ("sast", "iac") for _ in range(count)]
        lines = [json.dumps({"messages": turns, "metadata": {"domain": domain}}) + "\n" for domain in domains]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return folder


def prepared(dataset: Path, tmp_path: Path, *more: str) -> int:
    settings = tmp_path / "settings.yaml"
    settings.write_text("remote:\n  hourly_price: 3.0\n  budget: 0.001\n")
    command = ["worker", "prepare", "codellama-iac", "--dataset", str(dataset), "--to", str(tmp_path / "there")]
    return main([*command, "--config", str(settings), "--gpu", "H100", *more])


def test_spec_and_data_are_the_recipes(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepared(dataset, tmp_path, "--base", "/models/codellama") == 0
    spec = read_spec(tmp_path / "there" / "spec.json")
    assert spec.recipe == shipped.read("codellama-iac").recipe
    assert spec.base.model == "/models/codellama"
    written = tmp_path / "there" / spec.data.train.path
    assert len(written.read_text().splitlines()) == 6
    assert digest_file(written) == spec.data.train.sha256
    assert "GB" in capsys.readouterr().out


def test_past_the_budget_nothing_is_written(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepared(dataset, tmp_path, "--tokens-per-second", "1") == 2
    assert "budget" in capsys.readouterr().err
    assert not (tmp_path / "there" / "spec.json").exists()
