"""Real child processes: listened to, weighed, ended together, recognised after a crash."""

import json
import os
import sys
import time

import pytest

from daemon import processes
from daemon.child import ProcessLauncher
from daemon.store.records import RunState


def test_the_stub_runs_to_its_end_and_its_progress_is_kept(real):
    one = real({"steps": 4})
    run = one.until(RunState.DONE)
    assert json.loads(run.result)["stages"] == {"parse": {"findings": 3}}
    assert one.queue.progress_of(1).stage == "train-analysis"


def test_what_a_child_says_outside_the_protocol_is_in_its_log_and_tokens_are_kept_from_it(real, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    one = real({})
    one.runner.flow = (sys.executable, "-c", "import os, sys; print('hello'); print(os.environ.get('GITHUB_TOKEN'))")
    one.until(RunState.DONE)
    assert one.scene.layout.run_log(1).read_text() == "hello\nNone\n"


def test_a_child_and_what_it_started_are_ended_together(real):
    one = real({"steps": 3, "grandchild": True})
    started = {}
    original = one.launcher.start

    def start(command, token, log):
        started["token"] = token
        return original(command, token, log)

    one.launcher.start = start
    one.until(RunState.DONE)
    assert processes.marked(started["token"]) == []


def test_a_child_that_ignores_the_request_is_killed(real):
    one = real({"steps": 1000, "seconds": 0.05, "ignore_term": True}, daemon={"stop_seconds": 0.5})
    for _ in range(10):
        one.runner.step(0.1)
    one.runner.request_stop()
    deadline = time.monotonic() + 10
    while one.runner.is_working and time.monotonic() < deadline:
        one.runner.step(0.1)
    assert one.queue.get(1).reason == "stopped: shutdown"


def test_memory_is_weighed_with_all_that_was_started(real, monkeypatch):
    from daemon import runner

    monkeypatch.setattr(runner, "MEMORY_SECONDS", 0.2)
    one = real({"steps": 1000, "seconds": 0.05, "grow": 150}, daemon={"memory_gigabytes": 0.1, "attempts": 1})
    run = one.until(RunState.PARKED)
    assert run.reason == "it used more than daemon.memory_gigabytes"


def test_a_recorded_process_is_ended_by_number_and_start_time_and_never_by_number_alone(real):
    import subprocess

    code = "import time; time.sleep(600)"
    bare = [subprocess.Popen([sys.executable, "-c", code], env={}, start_new_session=True) for _ in range(2)]
    one = real({"steps": 1})
    try:
        for child, started in ((bare[0], processes.started(bare[0].pid)), (bare[1], "another moment")):
            run = one.queue.due(1e12)
            one.queue.lease(run, "recorded", True, 1.0, 2.0)
            one.queue.started(run.id, "recorded", child.pid, started)
            one.runner.recover()
        assert bare[0].wait(timeout=5) == -15
        assert bare[1].poll() is None
    finally:
        for child in bare:
            child.kill()
            child.wait()


def test_the_process_at_work_is_recorded_while_it_works(real):
    one = real({"steps": 50, "seconds": 0.05})
    one.runner.step(0.1)
    run = one.queue.get(1)
    assert processes.started(run.process) == run.process_started
    assert run.process in processes.marked(run.token)
    one.runner.request_stop()
    assert one.until(RunState.QUEUED).process is None


def test_the_flow_ends_when_its_service_is_gone():
    import subprocess

    code = (
        "import signal, sys, time\n"
        "from daemon import leash\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))\n"
        "leash.watch(0)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    assert child.poll() is None
    child.stdin.close()
    assert child.wait(timeout=10) == 75
    child.stdout.close()


def test_what_a_dead_service_left_running_is_ended_by_its_mark_and_its_run_goes_on(real):
    import subprocess

    one = real({"steps": 5})
    run = one.queue.due(1e12)
    one.queue.lease(run, "mark", True, 1.0, 2.0)
    code = "import time; time.sleep(600)"
    orphan = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, processes.VARIABLE: "mark"})
    stranger = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, processes.VARIABLE: "other"})
    try:
        deadline = time.monotonic() + 5
        while not processes.marked("mark") and time.monotonic() < deadline:
            time.sleep(0.02)
        one.runner.recover()
        assert orphan.wait(timeout=5) == -15
        assert stranger.poll() is None
        assert one.queue.get(1).interruptions == 1
        one.until(RunState.DONE)
    finally:
        stranger.kill()
        stranger.wait()


def started(tmp_path, *command):
    return ProcessLauncher().start(command, str(tmp_path), tmp_path / "log")  # a mark of its own: by it they are killed


@pytest.mark.parametrize("script", ["yes", "yes | tr -d '\\n'"])
def test_a_child_that_never_stops_talking_fills_no_memory_and_holds_nobody_up(tmp_path, script):
    child = started(tmp_path, "/bin/sh", "-c", script)
    most = 0
    try:
        for _ in range(3):
            child.listen(1.0)
            assert child.exit_code() is None
            most = max(most, len(child._buffer))
    finally:
        child.kill()
        child.close()
    assert most < 3 * 1024 * 1024


def test_a_child_whose_mark_cannot_be_seen_is_killed_by_its_group(tmp_path):
    """macOS shows the environment of its own programs to nobody."""
    child = started(tmp_path, "/usr/bin/env", "-i", "/bin/sh", "-c", "trap '' TERM; sleep 600 & wait")
    child.kill()
    assert child.exit_code() == -9
    child.close()


def test_a_number_given_to_another_persons_process_is_no_trouble(monkeypatch):
    def kill(number, kind):
        raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    processes._signal([1], 15)
