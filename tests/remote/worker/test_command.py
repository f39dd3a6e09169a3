"""The worker as it is started: killed, stopped, taken over, under torchrun; its bundle is all it needs."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from pipeline.remote import bundle
from pipeline.remote.contract import Event, Spec, read_events, read_result, write_spec

from . import tiny

WEIGHTS = "adapter/adapter_model.safetensors"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle.build(tmp_path_factory.mktemp("code") / "worker.zip")


def start(spec: Spec, folder: Path, code: Path, *before: str) -> subprocess.Popen[bytes]:
    path = folder / "spec.json"
    path.write_bytes(write_spec(spec))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(code)}
    command = [sys.executable, *(before or ("-m",)), "pipeline.remote.worker", "--spec", str(path)]
    with (folder / "stderr").open("ab") as errors:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors)


def events(spec: Spec) -> list[Event]:
    path = Path(spec.work) / "events.jsonl"
    return list(read_events(path.read_bytes())) if path.is_file() else []


def wait_for(spec: Spec, kind: str, step: int = 0) -> None:
    for _ in range(1200):
        if any(event.kind == kind and (event.step or 0) >= step for event in events(spec)):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {kind}: {events(spec)}")


def losses(spec: Spec) -> dict[int, float]:
    return {event.step or 0: event.loss or 0.0 for event in events(spec) if event.kind == "progress"}


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "output" / WEIGHTS).read_bytes()).hexdigest()


def nxt(spec: Spec) -> Spec:
    return msgspec.structs.replace(spec, attempt=spec.attempt + 1)


def test_killed_and_stopped_it_ends_with_the_same_bytes(base: Path, whole: Path, tmp_path: Path, code: Path) -> None:
    spec = tiny.spec(tmp_path, base)
    for number, (kind, step) in enumerate((("started", 0), ("checkpoint", 3), ("progress", 7))):
        child = start(spec, tmp_path, code)
        wait_for(spec, kind, step)
        child.send_signal(signal.SIGTERM if number == 1 else signal.SIGKILL)
        child.communicate(timeout=60)
        assert child.returncode == (75 if number == 1 else -9)
        spec = nxt(spec)
    child = start(spec, tmp_path, code)
    printed, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert digest(tmp_path) == digest(whole)
    uninterrupted = losses(tiny.spec(whole, base))
    assert losses(spec) == uninterrupted
    assert json.loads(printed.splitlines()[-1])["kind"] == "done"
    assert "stopped" in [event.kind for event in events(spec)]


def test_two_processes_give_the_losses_of_one(base: Path, whole: Path, tmp_path: Path, code: Path) -> None:
    for number, parallel in enumerate(("data", "fsdp")):
        folder = tmp_path / parallel
        spec = tiny.spec(folder, base, parallel=parallel, max_epochs=1)
        torchrun = ("-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={_port()}", "-m")
        child = start(spec, folder, code, *torchrun)
        child.communicate(timeout=180)
        assert child.returncode == 0, (folder / "stderr").read_text()[-3000:]
        alone = tiny.spec(tmp_path / f"alone-{number}", base, max_epochs=1)
        from pipeline.remote.worker.training import train

        train(alone)
        mine, its = losses(alone), losses(spec)
        assert mine.keys() == its.keys()
        assert max(abs(mine[step] - its[step]) for step in mine) < 2e-5
        assert read_result(folder / "output").devices == 2


def _port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_an_attempt_that_was_taken_over_writes_nothing_more(base: Path, tmp_path: Path, code: Path) -> None:
    spec = tiny.spec(tmp_path, base, max_epochs=100, save_steps=4)
    child = start(spec, tmp_path, code)
    wait_for(spec, "progress", 1)
    (tmp_path / "work" / "claims" / "000002").touch()
    child.communicate(timeout=60)
    assert child.returncode == 1
    last = events(spec)[-1]
    assert (last.kind, last.error) == ("failed", "Superseded")
    assert not (tmp_path / "output").exists()
    again = start(spec, tmp_path, code)
    again.communicate(timeout=60)
    assert again.returncode == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipe": {"no_such_key": 1}}, "no_such_key"),
        ({"recipe": {"rank": "many"}}, "rank"),
        ({"unknown": True}, "unknown"),
    ],
)
def test_a_spec_with_what_it_does_not_know_is_refused(
    base: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    told = json.loads(write_spec(tiny.spec(tmp_path, base)))
    for key, value in change.items():
        told[key] = told[key] | value if isinstance(value, dict) else value
    (tmp_path / "spec.json").write_text(json.dumps(told))
    command = [sys.executable, "-m", "pipeline.remote.worker", "--spec", str(tmp_path / "spec.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_bundle_is_the_same_bytes_each_time_and_holds_no_more_than_the_worker(tmp_path: Path) -> None:
    one, other = (bundle.build(tmp_path / name).read_bytes() for name in ("one.zip", "other.zip"))
    assert one == other
    assert len(one) < 100_000


def test_the_worker_loads_neither_ray_nor_mlx_nor_the_service(base: Path, tmp_path: Path, code: Path) -> None:
    (tmp_path / "spec.json").write_bytes(write_spec(tiny.spec(tmp_path, base, max_epochs=1)))
    script = (
        "import sys\n"
        "sys.argv = ['worker', '--spec', 'spec.json']\n"
        "from pipeline.remote.worker.__main__ import main\n"
        "assert main() == 0\n"
        "sys.stderr.write('\\nMODULES ' + ' '.join(sorted(sys.modules)))\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    loaded = done.stderr.rpartition("MODULES ")[2].split()
    assert "torch" in loaded, done.stderr[-2000:]
    for name in loaded:
        assert name.split(".")[0] not in {"ray", "mlx", "mlx_lm", "daemon", "launchagent"}
    own = {name for name in loaded if name.split(".")[0] in {"pipeline", "config"}}
    assert own <= {*_modules(), "pipeline", "config"}


def _modules() -> set[str]:
    import zipfile

    with zipfile.ZipFile(bundle.build(Path(os.environ.get("TMPDIR", "/tmp")) / f"w-{os.getpid()}.zip")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
    Path(archive.filename or "").unlink()
    return {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names}
