"""From the report through the gate to the release: what process_artifacts does with models that are better, or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.settings import Settings
from pipeline import flow, process_artifacts
from pipeline.evaluation.gate import Gate
from pipeline.evaluation.report import Report, encode
from pipeline.publishing.publish import Publish
from pipeline.stage import Context, Request, write_atomically
from tests.evaluation import fabricated

INFORMATION = {
    "counts": {kind: {"train": 1, "valid": 1, "test": 1} for kind in ("analysis", "codefix")},
    "leak_audit": {"clusters": 3, "shared": 0.0, "shared_if_random": 0.5},
}


class Made:
    """A stage whose output is made up: the files it writes, and its counts."""

    def __init__(self, name: str, files: dict[str, bytes], counts: dict[str, Any]) -> None:
        self.name, self.files, self.counts = name, files, counts
        self.needs: tuple[str, ...] = ()

    def settings(self, settings: Settings, request: Request) -> Any:
        return {}

    def run(self, context: Context) -> dict[str, Any]:
        for name, content in self.files.items():
            (context.folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(context.folder / name, content)
        return self.counts


def report(skills: dict[str, float]) -> Report:
    data = fabricated.held_out()
    return fabricated.report(
        data, [fabricated.model(name, data, skill, loss=2.0 - 1.5 * skill) for name, skill in skills.items()]
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the command over made-up stages and the real gate and publication, given the models' skills."""
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "a.json").write_text("{}")
    monkeypatch.setattr(process_artifacts.signal, "signal", lambda *_: None)
    (tmp_path / "settings.yaml").write_text("gate:\n  max_unfaithful: 1.0\n")

    def command(skills: dict[str, float], *more: str) -> int:
        counts = {"base_model": "tiny", "base_digest": "d"}
        chosen = (
            Made("assemble", {"dataset/dataset_info.json": msgspec.json.encode(INFORMATION)}, {}),
            Made("train-analysis", {"model/adapters.safetensors": b"one"}, counts),
            Made("train-codefix", {"model/adapters.safetensors": b"two"}, counts),
            Made("evaluate", {"evaluation/report.json": encode(report(skills))}, {}),
            Gate(),
            Publish(),
        )
        monkeypatch.setattr(flow, "stages", lambda settings, fine_tuning=True: chosen)
        arguments = ["--artifacts-dir", str(tmp_path / "artifacts"), "--config", str(tmp_path / "settings.yaml")]
        return process_artifacts.main([*arguments, "--output-dir", str(tmp_path / "out"), *more])

    return command


BETTER = {"base": 0.1, "stage-1": 0.95, "stage-2": 1.0}


def test_better_models_are_released_and_become_champions(run: Any, tmp_path: Path) -> None:
    assert run(BETTER) == 0
    out = tmp_path / "out"
    assert {path.name for path in (out / "release").iterdir()} == {"analysis", "codefix", "dataset", "exp_config.json"}
    assert (out / "champion" / "analysis" / "adapters.safetensors").read_bytes() == b"one"
    assert (out / "champion" / "codefix" / "champion.json").is_file()
    assert run(BETTER) == 0
    assert len((out / "champions" / "champions.jsonl").read_text().splitlines()) == 2


def test_models_that_are_not_better_are_kept_and_exit_4_each_time(run: Any, tmp_path: Path, capsys: Any) -> None:
    for _ in range(2):
        assert run({"base": 0.6, "stage-1": 0.61, "stage-2": 0.6}) == 4
        said = capsys.readouterr().err
        assert "The analysis specialist isn't better than base" in said and "Nothing was published" in said
    out = tmp_path / "out"
    assert (out / "models" / "analysis" / "adapters.safetensors").is_file()
    assert "not better" in (out / "evaluation" / "report.html").read_text()
    assert not (out / "release").exists() and not (out / "champion").exists()


def test_a_specialist_that_passed_is_published_without_the_one_that_did_not(run: Any, tmp_path: Path) -> None:
    assert run({"base": 0.1, "stage-1": 0.95, "stage-2": 0.1}) == 0
    out = tmp_path / "out"
    assert (out / "release" / "analysis").is_dir() and not (out / "release" / "codefix").exists()
    assert [path.name for path in (out / "champion").iterdir()] == ["analysis"]
