"""Ray's Jobs API without Ray, against a real head."""

from __future__ import annotations

import socket
import time
import zipfile
from pathlib import Path

import pytest

from config.secret import Secret
from pipeline.remote.errors import Gone, RemoteRefused, Unreachable
from pipeline.remote.http import Exchange
from pipeline.remote.ray.client import Job, Jobs
from pipeline.remote.ray.head import Head
from pipeline.remote.ray.loopback import exposed, processes_of
from tests.daemon.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow


def ended(jobs: Jobs, name: str) -> Job:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (job := jobs.job(name)).ended:
            return job
        time.sleep(0.3)
    raise AssertionError(f"{name} didn't end")


def test_a_head_listens_on_the_loopback_alone(head: Head) -> None:
    import os

    assert len(processes_of(head.pid)) > 5
    assert exposed(processes_of(head.pid)) == []
    with socket.create_server(("0.0.0.0", 0)) as open_to_all:
        assert exposed([os.getpid()]) == [f"0.0.0.0:{open_to_all.getsockname()[1]}"]


def test_a_head_takes_nobody_without_its_token(head: Head, jobs: Jobs) -> None:
    jobs.check_guarded()
    assert jobs.version().ray_version.startswith("2.")
    with pytest.raises(RemoteRefused, match="token"):
        Jobs(head.url, Secret("another")).jobs()


def test_a_package_is_sent_once(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, ask = [], Exchange.ask
    monkeypatch.setattr(
        Exchange, "ask", lambda self, method, *a, **k: sent.append(method) or ask(self, method, *a, **k)
    )
    package = tmp_path / "code.zip"
    with zipfile.ZipFile(package, "w") as made:
        made.writestr("said.py", f"print({time.time()})")
    uri = jobs.upload(package)
    assert jobs.upload(package) == uri and sent == ["GET", "PUT", "GET"]


def test_the_same_submission_is_one_job_even_when_the_answer_is_lost(head: Head, jobs: Jobs) -> None:
    name = f"twice-{time.time_ns()}-a1"
    command = "python -c \"print('said once')\""
    jobs.submit(name, command, {}, {})
    jobs.submit(name, command, {}, {})
    assert ended(jobs, name).status == "SUCCEEDED"
    assert jobs.log(name).count("said once\n") == 1
    assert [job.submission_id for job in jobs.jobs()].count(name) == 1


def test_a_submission_whose_answer_was_lost_is_found(head: Head, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"lost-{time.time_ns()}-a1"
    proxy = FaultProxy(head.port, 1, share=0.0)
    through = Jobs(f"http://127.0.0.1:{proxy.port}", head.token, silence=3.0)
    monkeypatch.setattr(proxy.chance, "choice", lambda kinds: "lost-reply" if "none" not in kinds else kinds[0])
    proxy.share = 1.0
    with pytest.raises(Unreachable):
        through.submit(name, "sleep 60", {}, {})
    proxy.share = 0.0
    assert jobs.submit(name, "sleep 60", {}, {}).submission_id == name
    jobs.stop(name)
    jobs.stop(name)
    assert ended(jobs, name).status == "STOPPED"
    proxy.close()


def test_what_is_not_there_is_told_from_what_went_wrong(jobs: Jobs) -> None:
    jobs.stop("never-a1")
    assert jobs.find("never-a1") is None
    with pytest.raises(Gone):
        jobs.log("never-a1")


def test_nobody_there_is_unreachable_and_not_a_failure(unused: int) -> None:
    with pytest.raises(Unreachable, match="can't be reached"):
        Jobs(f"http://127.0.0.1:{unused}", Secret("x")).version()


@pytest.fixture
def unused() -> int:
    from pipeline.remote.ports import free_port

    return free_port()
