"""What lies in a storage, and what is left of a head, may be anybody's: nothing is believed that isn't checked."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from config.errors import Error, InputRefused, UsageError
from daemon.cli import main
from pipeline.remote import attempt, contract, layout, results
from pipeline.remote.errors import Unreachable
from pipeline.remote.layout import Input, RemoteJob, Start
from pipeline.remote.ray import head as heads
from pipeline.remote.recipe import Recipe
from pipeline.remote.storage.folder import FolderStorage

DIGEST = hashlib.sha256(b"x").hexdigest()
RUN = "fs-one"


def spec(**changes: object) -> contract.Spec:
    data = contract.Data(train=contract.DataFile(path="data/train.jsonl", sha256=DIGEST))
    values = {"run": RUN, "base": contract.Base(model="m"), "data": data, "recipe": Recipe(), "work": "work",
              "output": "output"} | changes  # fmt: skip
    return contract.Spec(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/cron.d/x", "data/../../x", "a b", "-x", ""])
def test_a_job_names_no_place_outside_the_workers_scratch(tmp_path: Path, name: str) -> None:
    storage = FolderStorage(tmp_path / "store")
    storage.write(layout.input_file(DIGEST), b"x")
    whole = RemoteJob(spec=spec(), inputs=(Input(sha256=DIGEST, path="data/train.jsonl"),))
    for job in (
        msgspec.structs.replace(whole, inputs=(Input(sha256=DIGEST, path=name),)),
        msgspec.structs.replace(whole, spec=spec(work=name or "/")),
        msgspec.structs.replace(whole, spec=spec(output=name or "/")),
    ):
        storage.write(layout.job_file(RUN), msgspec.json.encode(job))
        with pytest.raises(InputRefused):
            attempt.stage(storage, RUN, Start(1, "00000000"), tmp_path / "scratch")
    assert not list((tmp_path / "scratch").rglob("*")) if (tmp_path / "scratch").exists() else True


@pytest.mark.parametrize("name", ["", "/", "../x", "adapter/../../x", "adapter/$(id)", "adapter//x"])
def test_a_result_names_no_place_outside_its_folder(tmp_path: Path, name: str) -> None:
    storage, start = FolderStorage(tmp_path / "store"), Start(1, "00000000")
    figures = dict.fromkeys(field.name for field in msgspec.structs.fields(contract.Result) if field.required) | {
        "run": RUN, "attempt": 1, "identity": "i", "too_long": [], "stopped_early": False,
    }  # fmt: skip
    figures |= {name: 1 for name, value in figures.items() if value is None}
    result = msgspec.convert(figures | {"files": {name: DIGEST}}, contract.Result)
    storage.write(f"{layout.start_folder(RUN, start)}/output/result.json", msgspec.json.encode(result))
    with pytest.raises(InputRefused):
        results.fetch(storage, RUN, start, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists() and not (tmp_path / "x").exists()


def test_notes_somebody_cut_off_are_taken_for_none(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    for said in (b"", b"\xff\xfe", b"seven", b"-3", b"7"):
        storage.write(layout.sent_file(RUN, 1), said)
        assert results.begun_after(storage, RUN, 1) == (7 if said == b"7" else 0)


def test_torn_and_foreign_lines_of_a_journal_are_passed_over() -> None:
    whole = b'{"kind":"progress","time":1.0,"attempt":1,"step":3,"loss":2.5}\n'
    for torn in (whole[:20] + b"\n" + whole, b"\xff\xfe\n" + whole, b"[]\n{}\nnull\n" + whole, whole + whole[:30]):
        (event,) = contract.read_events(torn)
        assert event.step == 3


def test_a_folder_is_listed_while_somebody_clears_it(tmp_path: Path) -> None:
    storage, ended = FolderStorage(tmp_path), threading.Event()

    def clear() -> None:
        for number in range(120):
            for name in range(5):
                storage.write(f"run/step-{number}/{name}", b"x")
            storage.delete(f"run/step-{number}")
        ended.set()

    thread = threading.Thread(target=clear)
    thread.start()
    while not ended.is_set():
        storage.entries("run")
    thread.join()
    assert storage.entries("run") == []


def test_what_a_disk_refuses_is_waited_for_and_no_traceback(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    (tmp_path / "run" / "folder").mkdir(parents=True)
    (tmp_path / "plain").write_text("x")
    for use in (
        lambda: storage.read("run/folder"),
        lambda: storage.get("run/folder", tmp_path / "to"),
        lambda: storage.write("plain/below", b"x"),
        lambda: storage.put(tmp_path / "plain", "plain/below"),
    ):
        with pytest.raises(Unreachable, match="can't be"):
            use()


@pytest.fixture
def stranger(tmp_path: Path):
    """Return a session of somebody else's whose number a head that is long gone once had."""
    folder = tmp_path / "ray"
    folder.mkdir()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    (folder / heads.NOTE).write_bytes(msgspec.json.encode(heads.Head(process.pid, 8265, str(folder))))
    (folder / heads.TOKEN).write_text("t0ken")
    yield folder, process
    process.kill()
    process.wait()


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(stranger, capfd: pytest.CaptureFixture[str]) -> None:
    folder, process = stranger
    assert heads.running(folder) is None
    assert main(["worker", "down", "--folder", str(folder)]) == 0
    assert "None was running." in capfd.readouterr().out
    assert process.poll() is None
    os.kill(process.pid, 0)


@pytest.mark.parametrize("port", ["taken", "99999", "-1"])
def test_a_port_that_cant_be_listened_on_is_told_before_a_head_is_started(tmp_path: Path, port: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1] if port == "taken" else int(port)
        with pytest.raises(UsageError, match=f"Port {number}"):
            heads.start(tmp_path / "ray", Path(sys.executable), number)
    assert not (tmp_path / "ray").exists()


def settings(folder: Path) -> str:
    (folder / "settings.yaml").write_text(
        f"fine_tuning: {{backend: ssh}}\nremote: {{address: 'ssh://nowhere', storage: {folder / 'store'}}}\n"
    )
    return str(folder / "settings.yaml")


def test_an_empty_storage_is_said_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = settings(tmp_path)
    assert main(["worker", "cost", "--config", told]) == 0
    assert "There is no run in" in capfd.readouterr().out
    for command in (["logs"], ["logs", "fs-unknown"], ["finish", "--to", str(tmp_path / "models")]):
        assert main(["worker", *command, "--config", told]) == 2
        said = capfd.readouterr().err
        assert "no run" in said.lower() and "Traceback" not in said


def test_only_a_run_that_made_an_adapter_is_finished(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told, storage, start = settings(tmp_path), FolderStorage(tmp_path / "store"), Start(1, "00000000")
    for run, job in {
        "fs-rehearsal": RemoteJob(spec=spec(rehearsal=5), inputs=()),
        "fs-finished": RemoteJob(spec=spec(), inputs=(), after="fs-trained"),
    }.items():
        storage.write(layout.run_file(run), b"")
        storage.write(layout.job_file(run), msgspec.json.encode(job))
        storage.write(layout.claim_file(run, start), b"")
        event = contract.Event(kind="done", time=9.0, attempt=1)
        storage.write(f"{layout.start_folder(run, start)}/events.jsonl", msgspec.json.encode(event) + b"\n")
        storage.write(f"{layout.start_folder(run, start)}/output/result.json", b"{}")
    assert main(["worker", "finish", "--to", str(tmp_path / "models"), "--config", told]) == 2
    assert "has made an adapter" in capfd.readouterr().err
    assert main(["worker", "finish", "fs-rehearsal", "--to", str(tmp_path / "models"), "--config", told]) == 2
    assert "was a rehearsal" in capfd.readouterr().err
    with pytest.raises(Error):
        results.fetch(storage, "fs-finished", start, tmp_path / "fetched")
