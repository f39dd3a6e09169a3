"""Whatever goes wrong on the way to the Hub: exactly one release there, and its bytes are these bytes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from config.secret import Secret
from pipeline.publishing.hub.plan import Plan
from pipeline.publishing.hub.target import HubTarget
from pipeline.publishing.interface import NotAllowed, Unreachable, Withheld
from tests.publishing.conftest import bytes_of, quick, release
from tests.publishing.hub_stub import TOKEN, Fault, HubStub

NAME = "ada/x-analysis"
WRITES = ("repos/create", "preupload", "objects/batch", "lfs-store", "lfs-verify", "commit/main", "/tag/")


def publish(hub: HubStub, what, **changes):
    return HubTarget(quick(hub, **changes), Secret(TOKEN)).publish(what, lambda *_: None)


def exactly_one(hub: HubStub, what) -> None:
    repo = hub.repos["model", NAME]
    assert [commit.title for commit in repo.commits] == ["initial commit", f"Release {what.run}"]
    assert repo.tags == {what.run: repo.commits[-1].oid} and repo.private
    assert hub.files("model", NAME) == bytes_of(what.parts[0].folder)


def test_every_reply_lost_or_refused_once_in_one_upload(hub, tmp_path):
    what = release(tmp_path)
    for place in (*WRITES, "whoami", "/refs", "/commits/", "/tree/", "validate-yaml", rf"GET .*{NAME}$"):
        hub.faults[place] = Fault(lost="after")
    published = publish(hub, what, attempts=30, retry_seconds=0.01)
    assert published[0].already, "its own commit, found again after the reply to it was lost"
    exactly_one(hub, what)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_refused_for_now_it_is_tried_again(hub, tmp_path, status):
    what = release(tmp_path)
    for place in (*WRITES, "whoami", "/refs"):
        hub.faults[place] = Fault(status=status, headers={"Retry-After": "0"})
    publish(hub, what, attempts=30, retry_seconds=0.01)
    exactly_one(hub, what)


def test_somebody_commits_in_between(hub, tmp_path):
    what = release(tmp_path)
    repo = hub.make("model", NAME)

    def intrude() -> None:
        repo.commits.append(type(repo.commits[0])("f" * 40, "Update README.md", "", {"README.md": b"mine"}))

    hub.faults["commit/main"] = Fault(before=intrude)
    publish(hub, what)
    assert [commit.title for commit in repo.commits[1:]] == ["Update README.md", f"Release {what.run}"]
    assert hub.files("model", NAME) == bytes_of(what.parts[0].folder)


def test_a_dead_server_is_a_sentence_and_soon(tmp_path):
    stub = HubStub()
    stub.close()
    said = []
    with pytest.raises(Unreachable, match="ConnectError"):
        HubTarget(quick(stub, attempts=2), Secret(TOKEN)).publish(release(tmp_path), lambda *line: said.append(line))
    assert said == [("GET /api/whoami-v2: ConnectError; asking again in 0 s", 0, 0)], "nobody waits in silence"


def test_a_slow_server_ends_at_the_deadline_and_the_repeat_goes_on(hub, tmp_path):
    what = release(tmp_path)
    hub.faults["commit/main"] = Fault(before=lambda: time.sleep(4))
    with pytest.raises(Unreachable):
        publish(hub, what, request_seconds=0.5, attempts=1)
    time.sleep(4.5)
    assert publish(hub, what)[0].already, "the slow commit was carried out after all"
    exactly_one(hub, what)


def test_a_large_file_that_arrived_isnt_sent_again(hub, tmp_path):
    what = release(tmp_path)
    hub.faults["commit/main"] = Fault(status=503, once=False)
    with pytest.raises(Unreachable, match="503"):
        publish(hub, what, attempts=1)
    hub.faults.clear()
    publish(hub, what)
    exactly_one(hub, what)
    assert sum("lfs-store" in request for request in hub.requests) == 1


def test_a_public_repository_isnt_written_to(hub, tmp_path):
    hub.make("model", NAME, private=False)
    with pytest.raises(Withheld, match="is public"):
        publish(hub, release(tmp_path, names=("ada/x-data", NAME)))
    assert all(request.startswith("GET") for request in hub.requests), "nothing was sent to the other one either"
    publish(hub, release(tmp_path), public=(NAME,))
    assert hub.repos["model", NAME].tags


def test_a_token_that_isnt_valid_is_said_so(hub, tmp_path):
    with pytest.raises(NotAllowed, match="401"):
        HubTarget(quick(hub), Secret("hf_wrong")).publish(release(tmp_path), lambda *_: None)


def plan(hub: HubStub, what) -> bytes:
    return msgspec.json.encode(
        Plan(endpoint=hub.url, token=TOKEN, release=what, public=(), request_seconds=5.0, total_seconds=60.0,
             attempts=3, retry_seconds=0.05)
    ) + b"\n"  # fmt: skip


def start(hub: HubStub, what) -> subprocess.Popen[bytes]:
    from pipeline.publishing.hub.target import WORKER, _environment

    child = subprocess.Popen(
        WORKER, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=_environment(xet=False), cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(plan(hub, what))
    return child


@pytest.mark.slow
def test_killed_before_and_after_every_request(tmp_path):
    """SIGKILL at each of the requests of an upload, before and after it is carried out; then the repeat."""
    what = release(tmp_path)
    whole = HubStub()
    with start(whole, what) as child:
        assert child.wait(60) == 0
    requests = len(whole.requests)
    whole.close()
    for number in range(1, requests + 1):
        for moment in ("before", "after"):
            hub, children = HubStub(), []

            def kill(children=children) -> None:
                children[0].send_signal(signal.SIGKILL)
                children[0].wait()

            hub.faults[number] = Fault(**{moment: kill})
            children.append(start(hub, what))
            assert children[0].wait(60) == -signal.SIGKILL, f"request {number}"
            children[0].stdin.close()
            publish(hub, what)
            exactly_one(hub, what)
            hub.close()


def test_the_worker_ends_with_its_parent(hub, tmp_path):
    hub.faults["whoami"] = Fault(before=lambda: time.sleep(3))
    child = start(hub, release(tmp_path))
    child.stdin.close()
    assert child.wait(20) == 1


def test_the_token_is_in_no_argument_and_no_environment(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    seen = []

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
                if b"publishing.hub.worker" in command:
                    seen.append(command + (process / "environ").read_bytes())
            except OSError:
                continue

    hub.faults["whoami"] = Fault(before=look)
    publish(hub, release(tmp_path))
    if sys.platform == "linux":
        assert seen and all(TOKEN.encode() not in one for one in seen)
