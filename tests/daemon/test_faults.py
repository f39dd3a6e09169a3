"""What a network, a limit or a server can do wrong, and that nothing is lost by it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.places import github_problem
from daemon.store.records import RunState
from tests.daemon.conftest import REPOSITORY, zipped
from tests.daemon.fault_proxy import FaultProxy
from tests.daemon.stand_in import TOKEN

ROOT = Path(__file__).parent.parent.parent

REPORT = zipped({"report.sarif": "x" * 60_000})


def queued(one):
    return len(one.store.queue.in_state(RunState.QUEUED))


def until_queued(one, intake, steps=12):
    """Step as the service would, moving the clock by what each step asks for; return how many it took."""
    for number in range(steps):
        wait = intake.step()
        if queued(one):
            return number + 1
        one.clock.pass_by(max(wait, 1))
    raise AssertionError(one.states())


QUICK = {"request_seconds": 0.3, "answer_seconds": 0.5, "download_seconds": 0.6}


@pytest.mark.parametrize("where", ["api", "storage"])
@pytest.mark.parametrize(
    "fault",
    ["reset", ("stall", 0.6), "short", ("short-unsaid", 40), (502, {}, "bad gateway"), (503, {}, ""), (500, {}, "{")],
    ids=str,
)
def test_a_fault_anywhere_is_survived_and_the_run_taken_once(scene, github, fault, where):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(".", fault, times=2, where=where)
    one = scene(github=QUICK)
    assert until_queued(one, one.intake()) > 1
    assert queued(one) == 1


@pytest.mark.parametrize("path", ["/runs$", r"/runs\?", "/compare/", "/artifacts", "/zip$"])
def test_a_reset_at_each_step_is_survived(scene, github, path):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(path, "reset")
    one = scene(github=QUICK)
    until_queued(one, one.intake())


def test_a_broken_download_goes_on_where_it_broke_off(scene, github):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail("/blob/", ("short", 20_000), where="storage")
    one = scene()
    until_queued(one, one.intake())
    ranges = [headers.get("Range") for _, headers in github.storage_requests]
    assert ranges == [None, "bytes=20000-"]


def test_wrong_bytes_are_discarded_and_fetched_again(scene, github):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail("/blob/", "corrupt", where="storage")
    one = scene()
    until_queued(one, one.intake())
    [path] = one.layout.downloads.rglob("*.zip")
    assert path.read_bytes() == REPORT


def test_bytes_that_stay_wrong_park_the_workflow_run_and_block_no_other(scene, github, clock):
    wrong = github.run(REPOSITORY, artifacts={"scan": REPORT})
    number = next(iter(github.artifacts))
    github.fail(f"/blob/{number}", "corrupt", times=99, where="storage")
    clock.pass_by(5)
    right = github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()
    for _ in range(10):
        clock.pass_by(max(intake.step(), 1))
    assert one.states()[right][0] == "queued"
    assert one.states()[wrong] == ("parked", "Artifact scan isn't what GitHub announced (digest).")


def test_a_dripping_download_ends_at_its_deadline(tmp_path, sensors):
    from daemon.clock import SystemClock
    from tests.daemon.conftest import Scene
    from tests.daemon.stand_in import StandIn

    with StandIn() as github:
        github.repository(REPOSITORY)
        number = github.run(REPOSITORY, artifacts={"scan": REPORT})
        github.fail("/blob/", ("drip", 0.02), where="storage")
        one = Scene(tmp_path, SystemClock(), sensors, github, github=QUICK)
        one.intake().step()
        assert "took too long" in one.states()[number][1]
        one.store.close()


def test_retry_after_is_obeyed(scene, github, clock):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(".", (403, {"Retry-After": "77"}, '{"message":"You have exceeded a secondary rate limit"}'))
    one = scene()
    intake = one.intake()
    assert 76 < intake.step() <= 77
    before = len(github.requests)
    clock.pass_by(30)
    intake.step()
    assert len(github.requests) == before
    clock.pass_by(48)
    intake.step()
    assert queued(one) == 1


def test_a_spent_quota_waits_for_its_reset_by_githubs_clock(scene, github, clock):
    github.skew = 3600.0
    github.remaining = 0
    one = scene()
    assert 1799 <= one.intake().step() <= 1802


def test_a_secondary_limit_without_headers_waits_longer_each_time(scene, github, clock):
    github.fail(".", (403, {}, '{"message":"You have exceeded a secondary rate limit."}'), times=3)
    one = scene()
    intake, waits = one.intake(), []
    for _ in range(3):
        wait = intake.step()
        waits.append(round(wait))
        clock.pass_by(wait)
    # the stand-in's own headers are not on a fault, so only the doubling is left to go by
    assert waits == [60, 120, 240]


def test_too_many_requests_waits(scene, github):
    github.fail(".", (429, {}, ""))
    assert round(scene().intake().step()) == 60


def test_a_revoked_token_asks_for_a_person_and_goes_on_when_there_is_a_new_one(scene, github, clock):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.tokens.clear()
    one = scene()
    intake = one.intake()
    intake.step()
    intake.step()
    assert [title for title, _ in one.told] == ["fixsmith: GitHub's token is needed"]
    github.tokens.add(TOKEN)
    clock.pass_by(400)
    intake.step()
    assert queued(one) == 1


def test_a_mended_fault_is_over_with_the_next_look_and_not_the_next_poll(scene, github, clock):
    one = scene()
    intake = one.intake()
    intake.step()
    asked = len(github.requests)
    one.store.note(github_problem(one.live.current().github, one.live.current()), "no token", clock.now())
    intake.step()
    assert len(github.requests) > asked
    assert one.store.fact_at(github_problem(one.live.current().github, one.live.current())) is None
    asked = len(github.requests)
    intake.step()
    assert len(github.requests) == asked


def test_a_clock_an_hour_off_changes_nothing(scene, github, clock):
    github.run(REPOSITORY, created=clock.now() + 3600, artifacts={"scan": REPORT})
    github.skew = 3600.0
    one = scene()
    until_queued(one, one.intake())


def test_a_full_disk_is_waited_for(scene, github, monkeypatch):
    import shutil
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
        intake.step()
    assert queued(one) == 0
    until_queued(one, intake)


def test_a_write_that_finds_the_disk_full_loses_nothing(scene, github, monkeypatch):
    import errno

    from daemon.github import download

    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(download, "synchronise", full)
        intake.step()
    assert "The disk is full." in next(iter(one.states().values()))[1]
    until_queued(one, intake)


def test_a_locked_database_is_an_error_that_passes(scene, github, monkeypatch):
    import sqlite3

    from daemon.errors import StoreBusy

    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    one.store.connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(one.layout.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    intake = one.intake()
    with pytest.raises(StoreBusy):
        intake.step()
    other.execute("ROLLBACK")
    other.close()
    until_queued(one, intake)


def test_a_repository_that_is_gone_does_not_hold_back_another(scene, github):
    github.repository("acme/other")
    github.run("acme/other", artifacts={"scan": REPORT})
    one = scene(repositories=["acme/other", REPOSITORY])
    intake = one.intake()
    intake.step()
    del github.repositories[REPOSITORY]
    github.run("acme/other", artifacts={"scan": REPORT})
    one.clock.pass_by(400)
    intake.step()
    assert queued(one) == 2
    assert "404" in one.store.ledger.repository(REPOSITORY).problem


def test_a_redirect_of_the_api_to_another_host_is_not_followed(scene, github):
    github.fail(".", (302, {"Location": "http://evil.example/"}, ""))
    one = scene()
    one.intake().step()
    assert "another host" in one.store.ledger.repository(REPOSITORY).problem


def test_an_answer_of_another_shape_is_an_error_not_an_empty_list(scene, github, clock):
    one = scene()
    intake = one.intake()
    intake.step()
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(r"/runs\?", (200, {}, '{"workflow_runs": "none"}'))
    clock.pass_by(400)
    intake.step()
    assert "can't be read" in one.store.ledger.repository(REPOSITORY).problem
    until_queued(one, intake)


@pytest.mark.parametrize("seed", range(3))
def test_through_a_proxy_that_breaks_half_of_all_connections_everything_arrives_once(scene, github, clock, seed):
    contents = [os.urandom(120_000) for _ in range(8)]
    for number, content in enumerate(contents):
        github.run(REPOSITORY, created=clock.now() + number, artifacts={"scan": zipped({"a": content})})
    proxies = [FaultProxy(server.server_port, seed) for server in (github.api, github.storage)]
    github.storage_port = proxies[1].port
    one = scene(github={"base_url": f"http://127.0.0.1:{proxies[0].port}", "request_seconds": 0.3})
    intake, steps = one.intake(), 0
    while queued(one) < len(contents):
        assert (steps := steps + 1) < 300, one.states()
        intake.step()
        clock.pass_by(4000)
    for proxy in proxies:
        proxy.close()
    got = [path.read_bytes() for path in one.layout.downloads.rglob("*.zip")]
    assert sorted(got) == sorted(zipped({"a": content}) for content in contents)
    assert not [state for state, _ in one.states().values() if state != "queued"]
    broken = proxies[0].done + proxies[1].done
    assert sum(broken.values()) > broken["none"] + 1, broken


def test_a_full_file_system_loses_nothing(tmp_path):
    command = (
        f"mount -t tmpfs -o size=4m none {tmp_path} && exec {sys.executable} -m tests.daemon.small_disk {tmp_path}"
    )
    if sys.platform != "linux" or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "database" in done.stdout
