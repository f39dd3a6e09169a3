"""The whole job with a tiny random OLMo-2: two adapters, an evaluation, a release; killed, the same bytes."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Command
from tests.integration.test_kill import KEY, alive_with, killed_at_random, same_outputs

SETTINGS = """
fine_tuning:
  batch_size: 4
  rank: 4
  alpha: 8
  max_epochs: 1
  warmup_steps: 2
  eval_steps: 4
  save_steps: 2
  max_tokens: 1024
  learning_rate: 1e-3
  gradient_checkpointing: false
dataset:
  quick_test_examples: 16
knowledge:
  embedding_model: none
  passages: 1
  characters: 300
evaluation:
  max_answers: 4
  answer_tokens: 16
"""
NOT_BETTER = 4
"""A tiny random model trained for a few steps doesn't beat its base by more than chance."""
MAKE = """
import sys
from pathlib import Path
from pipeline.models import blas
blas.load()
from pipeline.models import tiny
tiny.make(Path(sys.argv[1]), "olmo2")
"""


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """Return the folder of a tiny random OLMo-2, made in a process of its own."""
    folder = tmp_path_factory.mktemp("tiny") / "olmo2"
    subprocess.run([sys.executable, "-c", MAKE, str(folder)], check=True, cwd=ROOT)
    return folder


@pytest.fixture
def job(command: Command, demo: Path, tiny_model: Path) -> list[object]:
    """Return the command's arguments but for the output folder."""
    (command.folder / "settings.yaml").write_text(SETTINGS)
    return [
        *("--artifacts-dir", demo / "artifacts" / "second", "--source", demo / "app" / "second"),
        *("--earlier-artifacts", demo / "artifacts" / "first", "--earlier-source", demo / "app" / "first"),
        *("--config", "settings.yaml", "--model-name", tiny_model, "--quick-test"),
    ]


def test_two_specialists_are_trained_measured_and_kept_but_not_published(command, job) -> None:
    done = command(*job, "--output-dir", "out")
    assert done.returncode == NOT_BETTER, done.stderr
    assert "isn't better than base" in done.stderr and "Nothing was published" in done.stderr
    out = command.folder / "out"
    for kind in ("analysis", "codefix"):
        assert (out / "models" / kind / "adapters.safetensors").stat().st_size > 1000
        assert json.loads((out / "models" / kind / "adapter_config.json").read_text())["fine_tune_type"] == "lora"
    report = json.loads((out / "evaluation" / "report.json").read_text())
    text = json.dumps(report)
    assert all(name in text for name in ("base", "stage-1", "stage-2"))
    assert "not better" in (out / "evaluation" / "report.html").read_text()
    assert not (out / "release").exists() and not (out / "champion").exists()


def test_one_adapter_for_both_tasks(command, job) -> None:
    done = command(*job, "--output-dir", "out", "--disable-sequential-fine-tuning")
    assert done.returncode == NOT_BETTER, done.stderr
    out = command.folder / "out"
    assert (out / "models" / "single" / "adapters.safetensors").exists()
    assert not (out / "models" / "analysis").exists()


def test_an_adapter_loads_in_plain_mlx_lm(command, job, tiny_model) -> None:
    assert command(*job, "--output-dir", "out").returncode == NOT_BETTER
    code = "import sys; from mlx_lm import load, generate; m, t = load(sys.argv[1], adapter_path=sys.argv[2])[:2]; "
    code += "print(len(generate(m, t, 'a', max_tokens=3)))"
    adapter = command.folder / "out" / "models" / "codefix"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_model), str(adapter)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_killed_anywhere_the_bytes_are_the_same_and_nothing_lives_on(command, job) -> None:
    started = time.monotonic()
    assert command(*job, "--output-dir", "whole").returncode == NOT_BETTER
    longest = time.monotonic() - started
    (command.folder / "cut").mkdir()
    shutil.copy(command.folder / "whole" / KEY, command.folder / "cut" / KEY)
    cut = [*job, "--output-dir", "cut"]
    survived = killed_at_random(command, cut, kills=7, longest=0.6 * longest, seed=11)
    assert survived < 7, "no kill ever hit the command at work"
    done = command(*cut)
    assert done.returncode == NOT_BETTER, done.stderr
    same_outputs(command.folder / "whole", command.folder / "cut")
    deadline = time.monotonic() + 20
    while alive_with(str(command.folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert alive_with(str(command.folder)) == []
