"""`process_artifacts` with a worker elsewhere, to its very end: trained there, measured, judged and laid out here."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline.remote.ray.head import TOKEN as TOKEN_FILE
from pipeline.remote.ray.head import Head
from tests.integration.conftest import Command
from tests.remote.worker import tiny

from .servers import SshServer
from .worker_python import ROOT, worker_python

pytestmark = pytest.mark.slow
NOT_BETTER = 4
RECIPE = """
base_model: a-folder-stands-in
domains: [{domain}]
recipe:
  template: inst
  max_tokens: 1024
  batch_size: 4
  max_epochs: 1
  learning_rate: 1.0e-2
  warmup_steps: 2
  rank: 4
  alpha: 8.0
  precision: f32
  save_steps: 4
  eval_steps: 4
  replay_share: 0.0
"""
SETTINGS = """
fine_tuning: {{forgetting_budget: 100.0, base_model_name: {base}, quick_test_epochs: 1}}
remote: {{address: "{address}", token_file: "{token}", storage: "{storage}", python: "{python}", gpus: 0,
  poll_seconds: 0.5}}
dataset: {{quick_test_examples: 8}}
knowledge: {{embedding_model: none, passages: 1, characters: 160}}
source: {{context_lines: 3, max_lines: 12}}
evaluation: {{max_answers: 2, answer_tokens: 16, max_explanations: 1, explanation_tokens: 16, max_fixes: 1,
  fix_tokens: 16}}
gate: {{analysis_metric: analysis_loss, max_unparsable: 1.0, max_unfaithful: 1.0, max_false_positives: 1.0,
  forgetting_budget: 1.0}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny model as CodeLlama's base variants are: its kind of tokenizer, and no chat template."""
    from pipeline.models import blas

    blas.load()
    from pipeline.models import tiny as models

    folder = tmp_path_factory.mktemp("base") / "codellama"
    count = tiny.tokenizer(folder.with_name("words"))
    models.make(
        folder, "llama", vocab_size=count, num_key_value_heads=4, tie_word_embeddings=False, rope_theta=1e6
    )  # fmt: skip
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder.with_name("words") / name, folder / name)
    config = json.loads((folder / "config.json").read_text()) | {"bos_token_id": 1, "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def run(tmp_path: Path, base: Path):
    """Return what runs the command with a backend, recipes for domains, and a way to the worker."""
    command, demo = Command(tmp_path), ROOT / "tests" / "demo"
    for scan in ("first", "second"):
        for results in ("bandit-results", "hadolint-results"):
            shutil.copytree(demo / "artifacts" / scan / results, tmp_path / scan / results)

    def start(backend: str, domains: tuple[str, ...], *more: str, **way: str):
        told = {"base": base, "token": "", "python": worker_python(), "storage": tmp_path / "store"} | way
        (tmp_path / "settings.yaml").write_text(SETTINGS.format(**told))
        command.environment["PATH"] = way.get("path", "") + os.environ["PATH"]
        recipes = []
        for domain in domains:
            (tmp_path / f"my-{domain}.yaml").write_text(RECIPE.format(domain=domain))
            recipes += ["--recipe", f"my-{domain}.yaml"]
        return command(
            *("--artifacts-dir", "second", "--source", demo / "app" / "second"),
            *("--earlier-artifacts", "first", "--earlier-source", demo / "app" / "first"),
            *("--config", "settings.yaml", "--output-dir", "out", "--quick-test", "--backend", backend),
            *recipes, *more,
        )  # fmt: skip

    return start


def judged(workspace: Path, domain: str, kinds: tuple[str, ...]) -> bool:
    """Assert that a workspace holds what a local run leaves, of one domain alone; return whether any is better."""
    lines = (workspace / "dataset" / "analysis" / "train.jsonl").read_text().splitlines()
    assert lines and {json.loads(line)["metadata"]["domain"] for line in lines} == {domain}
    for kind in kinds:
        assert (workspace / "models" / kind / "adapters.safetensors").stat().st_size > 1000
        assert (workspace / "models" / kind / "peft" / "adapter_model.safetensors").exists()
    report = json.loads((workspace / "evaluation" / "report.json").read_text())
    assert {"base", "stage-1" if len(kinds) == 2 else "single"} <= set(report["models"])
    verdict = json.loads((workspace / "evaluation" / "verdict.json").read_text())
    better = [one["specialist"] for one in verdict["judgements"] if one["better"]]
    assert len(verdict["judgements"]) == len(kinds)
    assert bool(better) == any(path.name == "adapters.safetensors" for path in (workspace / "release").rglob("*"))
    return bool(better)


def test_two_domains_specialists_are_trained_over_ssh_and_judged_apart(
    run, ssh_server: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {ssh_server.folder / "config"} "$@"\n')
    ssh.chmod(0o755)
    done = run("ssh", ("container", "dast", "sast"), address="ssh://worker", path=f"{ssh.parent}{os.pathsep}")
    assert done.returncode in (0, NOT_BETTER), done.stdout[-2000:] + done.stderr[-3000:]
    assert done.stderr.count("mine: done in") == 1, "what doesn't depend on the domain is done once"
    assert "no findings of dast" in done.stderr
    found = [judged(tmp_path / "out" / f"my-{name}", name, ("analysis", "codefix")) for name in ("container", "sast")]
    assert (done.returncode == 0) == any(found)


def test_one_specialist_is_trained_on_ray_and_judged(run, head: Head, tmp_path: Path) -> None:
    token = str(Path(head.folder) / TOKEN_FILE)
    done = run("ray", ("sast",), "--disable-sequential-fine-tuning", address=head.url, token=token)
    assert done.returncode in (0, NOT_BETTER), done.stdout[-2000:] + done.stderr[-3000:]
    assert judged(tmp_path / "out", "sast", ("single",)) == (done.returncode == 0)
