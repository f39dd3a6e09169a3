"""Pull the plug anywhere: the same job again, the same bytes in the end."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from config.errors import Error, Postponed
from pipeline.training.backend import TrainingEvent, TrainingJob, remember
from pipeline.training.mlx import backend as mlx_backend
from pipeline.training.mlx.backend import MlxBackend
from pipeline.training.mlx.training import train

LONG = {"max_epochs": 12, "dropout": 0.1, "save_steps": 2, "eval_steps": 6, "early_stopping_patience": 0}
FILES = ("adapters.safetensors", "adapter_config.json", "metrics.jsonl")


def quiet(event: TrainingEvent) -> None:
    pass


def contents(job: TrainingJob) -> list[bytes]:
    return [(Path(job.output) / name).read_bytes() for name in FILES]


def start(job: TrainingJob) -> subprocess.Popen[bytes]:
    """Start the worker as the backend does."""
    work = Path(job.work)
    work.mkdir(parents=True, exist_ok=True)
    (work / "job.json").write_bytes(msgspec.json.encode(job))
    command = [sys.executable, "-m", "pipeline.training.mlx.worker", "--job", str(work / "job.json")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=mlx_backend.environment())


def kill_somewhere(job: TrainingJob, chance: random.Random) -> bool:
    """Start, kill at a random moment after the first word; return whether it ended before that."""
    child = start(job)
    assert child.stdout is not None and child.stderr is not None
    if chance.random() < 0.85:
        child.stdout.readline()
    time.sleep(chance.random() * 0.4)
    ended = child.poll() is not None
    child.kill()
    child.communicate()
    return ended


def test_the_load_of_the_machine_does_not_decide_the_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    for load in (0.0, 99.0):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, load, load))
        found.append(mlx_backend.environment()["OPENBLAS_NUM_THREADS"])
    assert found == [str(os.cpu_count())] * 2
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert mlx_backend.environment()["OPENBLAS_NUM_THREADS"] == "3"


@pytest.mark.slow
def test_twenty_kills_in_both_stages_change_nothing(job) -> None:
    chance = random.Random(20)
    one = job("one", **LONG)
    MlxBackend().train(one, quiet)
    two = job("two", stage_one=Path(one.output), **LONG | {"replay_share": 0.3})
    MlxBackend().train(two, quiet)
    for plain, again in (
        (one, job("one-again", **LONG)),
        (two, job("two-again", stage_one=Path(one.output), **LONG | {"replay_share": 0.3})),
    ):
        kills = 0
        while kills < 10:
            if kill_somewhere(again, chance):
                shutil.rmtree(again.work)  # it came to its end: begin anew
            else:
                kills += 1
        MlxBackend().train(again, quiet)
        assert contents(again) == contents(plain)


@pytest.mark.parametrize("layers", [-1, 1])
def test_stopping_after_any_step_and_going_on_gives_the_same_bytes(job, layers: int) -> None:
    recipe = LONG | {"max_epochs": 2, "save_steps": 3, "eval_steps": 2, "layers": layers}
    plain = job("plain", **recipe)
    train(plain, quiet, lambda: False)
    halting = job("halting", **recipe)
    for _ in range(5):
        with pytest.raises(Postponed):
            train(halting, quiet, lambda: True)
    train(halting, quiet, lambda: False)
    assert contents(halting) == contents(plain)


def test_a_torn_checkpoint_is_passed_over(job) -> None:
    recipe = LONG | {"max_epochs": 3, "keep_checkpoints": 2}
    plain, torn = job("plain", **recipe), job("torn", **recipe)
    train(plain, quiet, lambda: False)
    train(torn, quiet, lambda: False)
    newest = max((Path(torn.work) / "checkpoints").iterdir())
    with (newest / "state.safetensors").open("r+b") as stream:
        stream.truncate(1000)
    (Path(torn.output) / "adapters.safetensors").unlink()
    events: list[TrainingEvent] = []
    train(torn, events.append, lambda: False)
    assert [event.message.split(" ")[0] for event in events if event.kind == "warning"] == ["Damaged"]
    assert 0 < (next(event for event in events if event.kind == "started").step or 0) < 9
    assert contents(torn) == contents(plain)


def test_checkpoints_of_other_data_are_not_gone_on_from(job) -> None:
    first = job("same", **LONG | {"max_epochs": 1})
    train(first, quiet, lambda: False)
    events: list[TrainingEvent] = []
    other = job("same", **LONG | {"max_epochs": 2})
    train(other, events.append, lambda: False)
    assert next(event for event in events if event.kind == "started").step == 0
    assert any("another data set" in event.message for event in events if event.kind == "warning")
    fresh = job("fresh", **LONG | {"max_epochs": 2})
    train(fresh, quiet, lambda: False)
    assert contents(other) == contents(fresh)


def test_a_cancelled_training_keeps_a_checkpoint_and_goes_on(job) -> None:
    made, training, steps = job(**LONG), MlxBackend(), []

    def cancel_at_four(event: TrainingEvent) -> None:
        if event.kind == "step":
            steps.append(event.step)
            if event.step == 4:
                training.cancel(handle)

    handle = training.submit(made)
    with pytest.raises(Postponed):
        for event in training.events(handle):
            cancel_at_four(event)
    assert max((Path(made.work) / "checkpoints").iterdir()).name == f"step-{steps[-1]:08d}"
    events: list[TrainingEvent] = []
    training.train(made, events.append)
    assert next(event.step for event in events if event.kind == "step") == steps[-1] + 1


def test_the_child_ends_with_its_parent(job) -> None:
    made = job(**LONG | {"max_epochs": 2000})
    program = (
        "import sys, msgspec\nfrom pipeline.training.backend import TrainingJob\n"
        "from pipeline.training.mlx.backend import MlxBackend\n"
        "b = MlxBackend(); h = b.submit(msgspec.json.decode(sys.argv[1], type=TrainingJob))\n"
        "print(b._children[h].pid, flush=True)\nlist(b.events(h))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program, msgspec.json.encode(made).decode()]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    while not (Path(made.work) / "checkpoints").exists():
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    for _ in range(100):
        if not running(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child outlived its parent")


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_errors_of_the_child_arrive_as_what_they_are(job) -> None:
    from config.errors import InputRefused, UsageError

    with pytest.raises(UsageError, match="99"):
        MlxBackend().train(job("layers", layers=99), quiet)
    empty = job("empty")
    Path(empty.train).write_text("")
    with pytest.raises(InputRefused, match="no example"):
        MlxBackend().train(empty, quiet)


def test_a_full_disk_is_said_and_the_checkpoints_before_are_gone_on_from(job, monkeypatch, capfd) -> None:
    from pipeline.training.mlx import checkpoint, worker

    recipe = LONG | {"max_epochs": 2}
    plain, filled = job("plain", **recipe), job("filled", **recipe)
    train(plain, quiet, lambda: False)
    write, written = checkpoint.files.write, []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, content)

    Path(filled.work).mkdir()
    (Path(filled.work) / "job.json").write_bytes(msgspec.json.encode(filled))
    monkeypatch.setattr(sys, "argv", ["worker", "--job", str(Path(filled.work) / "job.json")])
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.files, "write", full)
        assert worker.main() == 1
    last = msgspec.json.decode(capfd.readouterr().out.splitlines()[-1], type=TrainingEvent)
    assert last.kind == "failed" and "full" in last.message and "again" in last.hint
    events: list[TrainingEvent] = []
    train(filled, events.append, lambda: False)
    assert next(event for event in events if event.kind == "started").step == 4
    assert contents(filled) == contents(plain)


def test_what_a_library_prints_does_not_get_between_the_events(job, monkeypatch, capfd) -> None:
    from pipeline.training.mlx import training, worker

    def noisy(job: TrainingJob, emit, cancelled) -> None:
        print("[WARNING] by the way")
        emit(TrainingEvent(kind="finished"))

    made = job()
    monkeypatch.setattr(training, "train", noisy)
    monkeypatch.setattr(sys, "argv", ["worker", "--job", str(remember(made))])
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    assert worker.main() == 0
    said = capfd.readouterr()
    assert [msgspec.json.decode(line)["kind"] for line in said.out.splitlines()] == ["finished"]
    assert "by the way" in said.err


def test_a_child_that_is_killed_says_so_and_how_to_go_on(job) -> None:
    made, training = job(**LONG), MlxBackend()
    handle = training.submit(made)
    training._children[handle].kill()
    with pytest.raises(Error, match="signal 9") as caught:
        list(training.events(handle))
    assert "again" in caught.value.hint


def test_the_parent_never_imports_mlx() -> None:
    program = (
        "import sys, pipeline.training.mlx.backend, pipeline.models.base, pipeline.models.embedded\n"
        "assert not any(name.split('.')[0] in ('mlx', 'mlx_lm', 'transformers') for name in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_a_training_that_macos_stopped_for_the_display_can_be_started_again(job, tmp_path: Path) -> None:
    made, training = job(**LONG), MlxBackend()
    handle = training.submit(made)
    training._children[handle].kill()
    log = Path(made.work) / "worker.log"
    log.write_text("libc++abi: [METAL] Command buffer execution failed: Impacting Interactivity (0000000e)\n")
    with pytest.raises(Postponed, match="display") as caught:
        list(training.events(handle))
    assert "again" in caught.value.hint


def test_whoever_stops_listening_leaves_a_checkpoint_behind(job) -> None:
    made, training = job(**LONG | {"max_epochs": 200, "save_steps": 10_000, "eval_steps": 10_000}), MlxBackend()
    events = training.events(training.submit(made))
    steps = (event.step for event in events if event.kind == "step")
    seen = next(steps)
    events.close()
    (kept,) = (Path(made.work) / "checkpoints").iterdir()
    assert int(kept.name.removeprefix("step-")) >= seen
