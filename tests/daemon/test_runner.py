"""Working through the queue: with a simulated child for the rules, with real processes for the mechanics."""

import json
import os
import sys
import time
from pathlib import Path

import msgspec
import pytest

from daemon import processes
from daemon.child import ProcessLauncher
from daemon.clock import SystemClock
from daemon.conditions.sensors import KeepAwake
from daemon.runner import Runner
from daemon.store.records import NewRun, RunState
from tests.daemon.conftest import Scene

STUB = (sys.executable, str(Path(__file__).with_name("stub_flow.py")))


class FakeChild:
    def __init__(self, command):
        self.command, self.lines, self.code = command, [], None
        self.stopped, self.killed, self.closed, self.bytes, self.pid = False, False, False, 0, 0

    def listen(self, _patience):
        said, self.lines = self.lines, []
        return said

    def exit_code(self):
        return self.code

    def request_stop(self):
        self.stopped = True

    def kill(self):
        self.killed, self.code = True, -9

    def resident(self):
        return self.bytes

    def wake(self):
        pass

    def close(self):
        self.closed = True


class FakeLauncher:
    def __init__(self):
        self.children = []

    def start(self, command, token, log):
        self.children.append(FakeChild(command))
        return self.children[-1]


class Awake(KeepAwake):
    def __init__(self):
        super().__init__()
        self.is_on = False

    def set(self, wanted):
        self.is_on = wanted


class Bench:
    def __init__(self, scene, launcher=None, flow=("flow",), ended=lambda token, seconds, recorded: 0):
        self.scene, self.queue = scene, scene.store.queue
        self.launcher, self.awake = launcher or FakeLauncher(), Awake()
        self.runner = Runner(
            scene.store, scene.live, scene.layout, scene.sensors, scene.clock, self.launcher, scene.notifier,
            self.awake, flow, ended,
        )  # fmt: skip

    def add(self, key="k", ordinal=1.0, repository="acme/shop", folder="/folder", commit="abc", prepared=True):
        """Put a run into the queue, its data sets there already unless said otherwise."""
        self.queue.add(NewRun(key, "github", repository, "main", commit, str(folder), ordinal), self.scene.clock.now())
        if prepared:
            self.scene.store.connection.execute("UPDATE runs SET prepared = 1 WHERE key = ?", (key,))

    def end(self, code, *lines):
        child = self.launcher.children[-1]
        child.lines, child.code = list(lines), code
        self.runner.step(0.0)
        return self.queue.get(1)

    def until(self, state, seconds=60.0, run=1):
        deadline = time.monotonic() + seconds
        while self.queue.get(run).state != state:
            assert time.monotonic() < deadline, self.queue.get(run)
            wait = self.runner.step(0.2)
            time.sleep(min(wait, 0.05))
        return self.queue.get(run)


@pytest.fixture
def bench(scene):
    def make(**sections):
        return Bench(scene(**sections))

    return make


def test_a_finished_run_keeps_its_summary(bench):
    one = bench()
    one.add()
    one.runner.step(0.0)
    run = one.end(0, {"event": "summary", "run": "abc", "stages": {}})
    assert (run.state, json.loads(run.result)["run"]) == (RunState.DONE, "abc")
    assert one.launcher.children[0].closed and not one.runner.is_working


@pytest.mark.parametrize(
    ("code", "state", "reason", "attempts", "interruptions"),
    [
        (0, RunState.DONE, "", 0, 0),
        (1, RunState.QUEUED, "Out of order.", 1, 0),
        (2, RunState.PARKED, "Out of order.", 0, 0),
        (3, RunState.REFUSED, "Out of order.", 0, 0),
        (4, RunState.NOT_BETTER, "Out of order.", 0, 0),
        (75, RunState.QUEUED, "Out of order.", 0, 0),
        (-9, RunState.QUEUED, "it was ended by signal 9", 0, 1),
        (99, RunState.QUEUED, "Out of order.", 1, 0),
    ],
)
def test_what_each_exit_code_means(bench, code, state, reason, attempts, interruptions):
    one = bench()
    one.add()
    one.runner.step(0.0)
    run = one.end(code, {"event": "error", "message": "Out of order.", "hint": ""})
    assert (run.state, run.reason, run.attempts, run.interruptions) == (state, reason, attempts, interruptions)


def test_a_failing_run_is_tried_again_with_longer_waits_then_parked_and_told_once(bench, clock):
    one = bench(daemon={"attempts": 3, "retry_seconds": 60, "retry_most_seconds": 100})
    one.add()
    waits = []
    for _ in range(3):
        one.runner.step(0.0)
        run = one.end(1)
        waits.append(run.not_before - clock.now())
        clock.pass_by(101)
    assert 30 <= waits[0] <= 60 and 50 <= waits[1] <= 100
    assert run.state == RunState.PARKED
    assert [title for title, _ in one.scene.told] == ["fixsmith: Run 1 failed 3 times"]


def test_a_run_that_is_cut_off_without_end_is_parked(bench):
    one = bench(daemon={"interruptions": 3})
    one.add()
    for _ in range(3):
        one.runner.step(0.0)
        run = one.end(-9)
    assert run.state == RunState.PARKED


def test_a_failing_run_lets_the_next_go_first(bench):
    one = bench()
    one.add("a", 1.0, prepared=False)
    one.add("b", 2.0, commit="def", prepared=False)
    one.runner.step(0.0)
    one.end(1)
    one.runner.step(0.0)
    assert "def" in one.launcher.children[-1].command


def test_battery_power_pauses_at_a_checkpoint_and_mains_power_goes_on(bench, clock, sensors):
    one = bench(conditions={"settle_seconds": 60, "check_seconds": 30})
    one.add()
    assert one.runner.step(0.0) == 30
    clock.pass_by(61)
    one.runner.step(0.0)
    assert one.awake.is_on
    sensors.readings = msgspec.structs.replace(sensors.readings, on_mains=False)
    clock.pass_by(31)
    one.runner.step(0.0)
    child = one.launcher.children[0]
    assert child.stopped and not one.awake.is_on
    run = one.end(75)
    assert (run.state, run.reason, run.attempts) == (RunState.QUEUED, "mains power", 0)
    one.runner.step(0.0)
    assert len(one.launcher.children) == 1
    assert one.scene.store.fact("waiting", dict)["for"] == ["mains power"]
    sensors.readings = msgspec.structs.replace(sensors.readings, on_mains=True)
    for _ in range(2):
        clock.pass_by(61)
        one.runner.step(0.0)
    assert len(one.launcher.children) == 2


def test_without_work_no_reading_is_taken(bench, sensors):
    one = bench()
    assert one.runner.step(0.0) == 3600
    assert sensors.looks == 0


def test_a_training_elsewhere_waits_for_no_mains_power_but_its_measuring_does(bench, clock, sensors):
    one = bench(conditions={"settle_seconds": 60, "check_seconds": 30}, fine_tuning={"backend": "ssh"})
    good = sensors.readings
    sensors.readings = msgspec.structs.replace(good, on_mains=False)
    one.add()
    one.runner.step(0.0)
    child = one.launcher.children[0]
    for stage in ("train-analysis", "evaluate"):
        child.lines = [{"event": "progress", "stage": stage, "message": "", "done": 0, "total": 1}]
        one.runner.step(0.0)
        clock.pass_by(31)
        one.runner.step(0.0)
        assert child.stopped == (stage == "evaluate")
    assert one.end(75).reason == "mains power"
    one.runner.step(0.0)
    assert len(one.launcher.children) == 1
    sensors.readings = good
    for _ in range(2):
        clock.pass_by(61)
        one.runner.step(0.0)
    assert len(one.launcher.children) == 2


def test_after_sleep_conditions_must_settle_again(bench, clock):
    one = bench(conditions={"settle_seconds": 60, "check_seconds": 30}, daemon={"retry_seconds": 1})
    one.add()
    one.runner.step(0.0)
    clock.pass_by(8 * 3600)
    one.runner.step(0.0)
    assert not one.runner.is_working
    clock.pass_by(61)
    one.runner.step(0.0)
    assert one.runner.is_working


def test_a_child_that_does_not_stop_is_killed_after_the_deadline(bench, clock):
    one = bench(daemon={"stop_seconds": 50})
    one.add()
    one.runner.step(0.0)
    one.runner.request_stop()
    one.runner.step(0.0)
    clock.pass_by(49)
    one.runner.step(0.0)
    child = one.launcher.children[0]
    assert child.stopped and not child.killed
    clock.pass_by(2)
    one.runner.step(0.0)
    one.runner.step(0.0)
    assert child.killed
    run = one.queue.get(1)
    assert (run.state, run.reason, run.attempts) == (RunState.QUEUED, "stopped: shutdown", 0)
    assert one.runner.step(0.0) == 3600


def test_too_much_memory_is_a_failure(bench, clock):
    one = bench(daemon={"memory_gigabytes": 1})
    one.add()
    one.runner.step(0.0)
    one.launcher.children[0].bytes = 2 * 1024**3
    clock.pass_by(11)
    one.runner.step(0.0)
    assert one.launcher.children[0].stopped
    assert one.end(75).reason == "it used more than daemon.memory_gigabytes"


def test_silence_is_a_failure(bench, clock):
    one = bench(daemon={"silence_seconds": 100})
    one.add()
    one.runner.step(0.0)
    clock.pass_by(101)
    one.runner.step(0.0)
    assert one.end(75).reason == "it reported nothing for too long"


def test_only_the_newest_waiting_run_of_a_repository_trains(bench):
    one = bench()
    one.add("a", 1.0)
    one.add("b", 2.0)
    one.runner.step(0.0)
    assert (one.queue.get(1).state, one.queue.get(1).reason) == (RunState.DONE, "data sets only: a newer run trains")
    one.runner.step(0.0)
    [child] = one.launcher.children
    assert "--skip-fine-tuning" not in child.command
    assert one.queue.get(2).state == RunState.RUNNING


def test_a_newer_run_without_data_sets_supersedes_nothing(bench, clock):
    one = bench()
    one.add("a", 1.0)
    one.add("b", 2.0, commit="def", prepared=False)
    one.runner.step(0.0)
    one.launcher.children[-1].code = 1
    one.runner.step(0.0)
    one.runner.step(0.0)
    assert one.queue.get(1).state == RunState.RUNNING and "abc" in one.launcher.children[-1].command


def test_data_sets_are_made_on_battery_and_only_training_waits(bench, clock, sensors):
    one = bench(conditions={"settle_seconds": 60, "check_seconds": 30})
    sensors.readings = msgspec.structs.replace(sensors.readings, on_mains=False)
    one.add("a", 1.0, prepared=False)
    one.add("b", 2.0, prepared=False, repository="acme/other")
    for number in range(2):
        one.runner.step(0.0)
        child = one.launcher.children[number]
        assert "--skip-fine-tuning" in child.command and not one.awake.is_on
        clock.pass_by(31)
        one.runner.step(0.0)
        assert not child.stopped
        one.end(0, {"event": "summary", "run": "abc", "stages": {}})
    assert [(run.state, run.prepared) for run in map(one.queue.get, (1, 2))] == [(RunState.QUEUED, True)] * 2
    assert one.runner.step(0.0) == 30 and len(one.launcher.children) == 2
    assert one.scene.store.fact("waiting", dict)["for"] == ["mains power"]
    sensors.readings = msgspec.structs.replace(sensors.readings, on_mains=True)
    for _ in range(2):
        clock.pass_by(61)
        one.runner.step(0.0)
    assert "--skip-fine-tuning" not in one.launcher.children[2].command
    assert one.end(0).state == RunState.DONE


def test_a_full_disk_holds_data_sets_back_too(bench, sensors):
    one = bench(conditions={"disk_pause_gigabytes": 5, "disk_resume_gigabytes": 8})
    sensors.readings = msgspec.structs.replace(sensors.readings, disk_free=10**9)
    one.add(prepared=False)
    assert one.runner.step(0.0) > 0 and not one.launcher.children


def test_what_waits_for_training_is_the_scan_before_a_newer_one(bench, tmp_path, sensors):
    sensors.readings = msgspec.structs.replace(sensors.readings, on_mains=False)
    one = bench()
    one.add("a", 1.0, folder=tmp_path)
    one.add("b", 2.0, prepared=False)
    one.runner.step(0.0)
    command = one.launcher.children[0].command
    assert command[command.index("--earlier-artifacts") + 1] == str(tmp_path)


def test_every_waiting_run_trains_where_the_settings_say_so(bench):
    one = bench(daemon={"newest_only": False})
    one.add("a", 1.0)
    one.add("b", 2.0)
    one.runner.step(0.0)
    assert "--skip-fine-tuning" not in one.launcher.children[0].command


def test_the_emergency_override_trains_nothing(bench):
    one = bench(fine_tuning={"skip_in_daemon": True})
    one.add(prepared=False)
    one.runner.step(0.0)
    assert "--skip-fine-tuning" in one.launcher.children[0].command
    one.end(0, {"event": "summary", "run": "abc", "stages": {}})
    one.runner.step(0.0)
    run = one.queue.get(1)
    assert (run.state, json.loads(run.result)["run"], len(one.launcher.children)) == (RunState.DONE, "abc", 1)


def test_the_scan_before_is_given_to_the_flow(bench, tmp_path):
    one = bench()
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        one.add(f"k{number}", number, folder=folder, prepared=False)
    one.runner.step(0.0)
    assert "--earlier-artifacts" not in one.launcher.children[0].command
    one.end(0)
    one.runner.step(0.0)
    command = one.launcher.children[1].command
    assert command[command.index("--earlier-artifacts") + 1] == str(folders[0])
    assert command[command.index("--artifacts-dir") + 1] == str(folders[1])


def test_a_clone_that_holds_the_commit_is_the_source(scene, tmp_path):
    import subprocess

    clone = tmp_path / "clone"
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(clone)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    one = Bench(scene(repositories=[{"name": "acme/shop", "source": str(clone)}]))
    one.add(commit=head, prepared=False)
    one.add("other", 2.0, commit="0" * 40, prepared=False)
    one.runner.step(0.0)
    command = one.launcher.children[0].command
    assert command[command.index("--source") + 1] == str(clone)
    one.end(0)
    one.runner.step(0.0)
    assert "--source" not in one.launcher.children[1].command


def test_the_earlier_commit_is_named_to_the_flow(scene, tmp_path):
    import subprocess

    clone = tmp_path / "clone"
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(clone)], check=True)
    heads = []
    for text in ("before", "after"):
        (clone / "app.py").write_text(text)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", text], check=True)
        heads.append(
            subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        )
    one = Bench(scene(repositories=[{"name": "acme/shop", "source": str(clone)}]))
    for number, head in enumerate(heads):
        (tmp_path / str(number)).mkdir()
        one.add(f"k{number}", number, folder=tmp_path / str(number), commit=head, prepared=False)
    one.runner.step(0.0)
    one.end(0)
    one.runner.step(0.0)
    command = one.launcher.children[1].command
    assert command[command.index("--earlier-source") + 1] == heads[0]


def test_a_full_database_while_ending_loses_nothing(bench, monkeypatch):
    from daemon.errors import StoreBusy

    one = bench()
    one.add()
    one.runner.step(0.0)
    one.launcher.children[0].code = 0

    def full(*_):
        raise StoreBusy("full", "")

    with monkeypatch.context() as disk:
        disk.setattr(one.queue, "finish", full)
        with pytest.raises(StoreBusy):
            one.runner.step(0.0)
    one.runner.step(0.0)
    assert one.queue.get(1).state == RunState.DONE


# real processes


@pytest.fixture
def real(tmp_path, sensors):
    made = []

    def make(how, **sections):
        one = Scene(tmp_path, SystemClock(), sensors, None, **sections)
        folder = tmp_path / "artifacts"
        folder.mkdir()
        (folder / "behaviour.json").write_text(json.dumps(how))
        bench = Bench(one, ProcessLauncher(), STUB, processes.end)
        bench.add(folder=folder)
        made.append(one)
        return bench

    yield make
    for one in made:
        one.store.close()


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
            one.queue.lease(run, "mark", True, 1.0, 2.0)
            one.queue.started(run.id, "mark", child.pid, started)
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
