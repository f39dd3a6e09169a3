"""From an uploaded artifact to a trained, evaluated, locally published model, with nobody there.

The real service and the real flow; GitHub is the stand-in, the base model a tiny random OLMo-2.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from daemon.store.records import RunState
from daemon.store.store import Store
from tests.daemon.conftest import REPOSITORY
from tests.daemon.stand_in import TOKEN, StandIn

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / "tests" / "demo"
MAKE = (
    "import sys; from pathlib import Path; from pipeline.models import blas; blas.load()\n"
    "from pipeline.models import tiny; tiny.make(Path(sys.argv[1]), 'olmo2')"
)


def commit(clone, tree):
    """Make the tree the clone's content in a commit; return its name."""
    for entry in clone.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(tree, clone, dirs_exist_ok=True)
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "a change"], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def upload(github, snapshot, sha, uploads=None):
    """Have CI scan a commit: each scanner's output is an artifact."""
    number = github.run(REPOSITORY, status="in_progress")
    github.repositories[REPOSITORY]["commits"].add(sha)
    github.runs[number]["sha"] = sha
    folders = [entry for entry in sorted((DEMO / "artifacts" / snapshot).iterdir()) if entry.is_dir()]
    if uploads is not None:
        uploads.upload(number, **{entry.name: entry for entry in folders})
    for entry in folders if uploads is None else ():
        content = shutil.make_archive(str(entry.name), "zip", entry)
        github.upload(number, entry.name, Path(content).read_bytes())
        Path(content).unlink()
    github.finish(number)
    return number


@pytest.mark.slow
def test_two_scans_become_a_published_model_without_a_person(tmp_path, monkeypatch):
    runs, shas = live_through(tmp_path, monkeypatch)
    check_published(tmp_path, runs, shas)


def live_through(tmp_path, monkeypatch, uploader=None):
    """Scan two commits, have the service find and work through both; return the runs and the commits."""
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", MAKE, str(tmp_path / "olmo2")], check=True, cwd=ROOT)
    clone = tmp_path / "clone"
    clone.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", str(clone)], check=True)
    with StandIn() as github, uploader(github) if uploader else nullcontext() as uploads:
        github.repository(REPOSITORY)
        shas = []
        for snapshot in ("first", "second"):
            shas.append(commit(clone, DEMO / "app" / snapshot))
            upload(github, snapshot, shas[-1], uploads)
            time.sleep(1.1)  # GitHub's times are whole seconds, and the scans have an order
        config = tmp_path / "settings.yaml"
        config.write_text(json.dumps(settings(tmp_path, github, clone)))
        environment = {**os.environ, "GITHUB_TOKEN": TOKEN, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        log = (tmp_path / "output").open("wb")
        service = subprocess.Popen(
            [sys.executable, "-m", "daemon.cli", "run", "--config", str(config)],
            cwd=tmp_path, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            runs = ended(tmp_path / "workspace" / "service" / "state.db", 2, tmp_path)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=60)
            log.close()
    return runs, shas


def check_published(tmp_path, runs, shas):
    assert [run.state for run in runs] == [RunState.DONE, RunState.DONE], (tmp_path / "output").read_text()
    assert [(run.commit_sha, run.fine_tuning) for run in runs] == [(shas[0], False), (shas[1], True)]
    release = tmp_path / "workspace" / "release"
    assert (release / "analysis" / "adapters.safetensors").stat().st_size > 1000
    assert (release / "analysis" / "README.md").exists()
    assert (tmp_path / "workspace" / "champion" / "analysis" / "adapters.safetensors").exists()
    story = json.loads((tmp_path / "workspace" / "run.json").read_text())["request"]
    assert (story["repository"], story["commit"]) == (REPOSITORY, shas[1])
    assert story["earlier_artifacts"] == runs[0].folder


def settings(tmp_path, github, clone):
    return {
        "fine_tuning": {
            "workspace_dir": str(tmp_path / "workspace"), "base_model_name": str(tmp_path / "olmo2"), "batch_size": 4,
            "rank": 4, "alpha": 8, "max_epochs": 1, "learning_rate": 5e-3, "max_tokens": 512,
        },
        "dataset": {"max_per_rule": 2},
        "knowledge": {"enabled": False, "embedding_model": "none"},
        "evaluation": {"max_answers": 2, "answer_tokens": 16},
        "github": {
            "base_url": github.base_url,
            "repositories": [{"name": REPOSITORY, "clone_url": clone.as_uri()}],
        },
        "gate": {
            "analysis_metric": "analysis_loss", "max_unparsable": 1, "max_unfaithful": 1, "max_false_positives": 1,
        },
        "daemon": {"attempts": 1},
        "conditions": {"settle_seconds": 3, "check_seconds": 3, "mains_only": False, "battery_pause": 0,
                       "battery_resume": 0, "disk_pause_gigabytes": 0, "disk_resume_gigabytes": 0},
        "notifications": {"enabled": False},
    }  # fmt: skip


def ended(database, count, tmp_path, seconds=1500):
    """Wait until so many runs have ended; return them, oldest first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if database.exists():
            store = Store.open(database, read_only=True)
            states = (RunState.DONE, RunState.NOT_BETTER, RunState.REFUSED, RunState.PARKED)
            runs = store.queue.in_state(*states)[::-1] if has_tables(store) else []
            store.close()
            if len(runs) == count:
                return runs
        time.sleep(0.5)
    raise AssertionError((tmp_path / "output").read_text()[-3000:])


def has_tables(store):
    return bool(store.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone())
