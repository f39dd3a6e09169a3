"""The real service as a process: its beginning, its end, and what happens when it is killed."""

import fcntl
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from config.load import load_settings
from daemon import processes
from daemon.commands.retry import wake
from daemon.identity import Instance, holder
from daemon.layout import layout_of
from daemon.snapshot import snapshot
from daemon.store.records import RunState
from daemon.store.store import Store
from tests.daemon.conftest import REPOSITORY, behaviour, write_settings
from tests.daemon.stand_in import TOKEN, StandIn

ROOT = Path(__file__).parent.parent.parent
FAST = {"stop_seconds": 5, "interruptions": 1000, "retry_seconds": 0.2, "drop_settle_seconds": 0.1}


class Running:
    """A service that is started, killed and started again."""

    def __init__(self, tmp_path, stand_in, **sections):
        self.config = write_settings(tmp_path / "settings.yaml", tmp_path, stand_in and stand_in.base_url, **sections)
        self.layout = layout_of(load_settings(self.config))
        self.errors = tmp_path / "stderr"
        self.process = None

    def start(self):
        environment = {**os.environ, "GITHUB_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.daemon.stubbed_service", str(self.config)],
                cwd=ROOT, env=environment, stdout=errors, stderr=errors,
            )  # fmt: skip
        return self

    def stop(self, kind=signal.SIGTERM, seconds=20):
        self.process.send_signal(kind)
        return self.process.wait(timeout=seconds)

    def store(self):
        return Store.open(self.layout.database, read_only=True)

    def counts(self):
        if not self.layout.database.exists():
            return {}
        with suppress(Exception):
            store = self.store()
            try:
                return store.queue.counts()
            finally:
                store.close()
        return {}

    def look_now(self):
        """Have the service look at GitHub now instead of at the next poll."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.layout.database)) as connection:
            connection.execute("UPDATE repositories SET next_poll_at = 0")
            connection.commit()
        wake(self.layout)

    def token(self):
        with suppress(Exception):
            store = self.store()
            try:
                running = store.queue.in_state(RunState.RUNNING)
                return running[0].token if running else None
            finally:
                store.close()

    def children(self, seconds):
        """Return the processes of the run at work, waiting a while for one to begin."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            token = self.token()
            if token and (found := processes.marked(token)):
                return found
            time.sleep(0.02)
        return []

    def until(self, seconds, condition):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.counts(), self.log()[-2000:])
            time.sleep(0.02)

    def log(self):
        texts = [path.read_text() for path in sorted(self.layout.logs.glob("service.log*"))]
        return "".join(texts) + (self.errors.read_text() if self.errors.exists() else "")


@pytest.fixture
def github():
    with StandIn() as stand_in:
        stand_in.repository(REPOSITORY)
        yield stand_in


@pytest.fixture
def service(tmp_path):
    made = []

    def make(stand_in, **sections):
        made.append(Running(tmp_path, stand_in, **sections))
        return made[-1]

    yield make
    for one in made:
        if one.process and one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        if token := one.token():
            processes.end(token, 0.0)


def test_stop_checkpoints_and_the_next_start_goes_on_from_there(service, github):
    github.run(REPOSITORY, artifacts={"scan": behaviour(steps=60, seconds=0.05)})
    one = service(github, daemon=FAST).start()
    one.until(60, lambda: list(one.layout.workspace.glob("runs/*/checkpoint")))
    time.sleep(0.3)
    assert one.stop() == 0
    assert one.counts() == {"queued": 1}
    [checkpoint] = one.layout.workspace.glob("runs/*/checkpoint")
    assert 0 < int(checkpoint.read_text()) < 60
    one.start().until(60, lambda: one.counts() == {"done": 1})
    calls = next(one.layout.workspace.glob("runs/*/calls.jsonl")).read_text().splitlines()
    assert ["--skip-fine-tuning" in call for call in calls] == [True, False, False]
    assert one.stop() == 0
    assert "Traceback" not in one.log()


def test_a_second_stop_waits_for_nothing_and_the_run_goes_on_at_the_next_start(service, github):
    github.run(REPOSITORY, artifacts={"scan": behaviour(steps=3, data_steps=3, seconds=0.3, ignore_term=True)})
    one = service(github, daemon={**FAST, "stop_seconds": 300}).start()
    assert one.children(60)
    one.process.send_signal(signal.SIGTERM)
    one.until(60, lambda: "stopping: the run at work checkpoints first, 300 s at most" in one.log())
    assert one.process.poll() is None
    assert one.stop(signal.SIGINT, 60) == 0
    one.start()
    one.until(60, lambda: one.counts().get("done") == 1)
    assert "Traceback" not in one.log()


def test_a_drop_folder_that_was_replaced_is_watched_too(service, tmp_path):
    one = service(None, daemon={**FAST, "drop_poll_seconds": 3600}).start()
    one.until(60, lambda: "started" in one.log() and one.layout.drop.is_dir())
    for number in range(4):
        if number == 2:  # by now it is watched
            one.layout.drop.rename(tmp_path / "moved")
            one.layout.drop.mkdir()
            wake(one.layout)
        one.layout.drop.joinpath(f"{number}.zip").write_bytes(behaviour(steps=number))
        one.until(60, lambda number=number: sum(one.counts().values()) == number + 1)


def test_a_second_service_on_the_same_workspace_is_refused(service, github):
    one = service(github).start()
    one.until(60, lambda: one.layout.database.exists())
    second = subprocess.run(
        [sys.executable, "-m", "daemon.cli", "run", "--config", str(one.config)],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert second.stderr.startswith("Another service works on this workspace")


def test_a_stop_that_comes_while_the_service_begins_ends_it_properly(service, github):
    one = service(github, daemon=FAST)
    for _ in range(3):
        one.start().until(60, lambda: holder(one.layout.lock))
        assert one.stop() == 0
    assert one.log().count("stopped") == 3


def test_a_damaged_database_is_told_of_until_the_next_start_finds_a_sound_one(tmp_path):
    config = write_settings(tmp_path / "settings.yaml", tmp_path)
    layout = layout_of(load_settings(config))
    layout.make()
    layout.database.write_bytes(b"this is no database" * 500)
    one = Running(tmp_path, None)
    problems = []
    for _ in range(2):
        one.start().until(60, lambda: one.log().count("started on") > len(problems))
        assert one.stop() == 0
        problems.append(snapshot(config, 0.0).problems)
    assert ["was damaged" in text for text in problems[0]] == [True]
    assert problems[1] == []


def test_looking_who_holds_the_lock_doesnt_keep_a_service_from_taking_it(tmp_path):
    lock = tmp_path / "service.lock"
    lock.touch()
    with lock.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        instance = Instance(lock)
        instance.acquire(1.0)
    assert holder(lock).since == 1.0
    instance.release()
    assert holder(lock) is None


def test_the_first_poll_comes_with_the_start_and_not_after_an_interval(service, github):
    one = service(github).start()
    patience = 30
    assert load_settings(one.config).github.poll_seconds > patience
    one.until(patience, lambda: github.requests)


def test_retry_wakes_the_service(service, github):
    github.run(REPOSITORY, artifacts={"scan": behaviour(exit=1)})
    one = service(github, daemon={**FAST, "attempts": 1}).start()
    one.until(60, lambda: one.counts() == {"parked": 1})
    result = next(one.layout.downloads.rglob("*.zip"))
    result.write_bytes(behaviour(steps=1))
    command = [sys.executable, "-m", "daemon.cli", "retry", "1", "--config", str(one.config)]
    assert subprocess.run(command, cwd=ROOT, timeout=20, check=False).returncode == 0
    one.until(60, lambda: one.counts() in ({"done": 1}, {"parked": 1}) and "run 1 ended" in one.log())


def test_changed_settings_are_followed_at_once_and_wrong_ones_kept_out(service, github):
    """Nothing wakes the service but the change of the file: the next poll would be minutes away."""
    github.repository("acme/second")
    one = service(github).start()
    one.until(60, lambda: github.requests)
    good = one.config.read_text()
    one.config.write_text(good.replace('"daemon"', '"deamon"'))
    one.until(60, lambda: "did you mean 'daemon'" in one.log())
    assert one.process.poll() is None
    more = json.loads(good)
    more["github"]["repositories"].append({"name": "acme/second", "mirror": False})
    beside = one.config.with_suffix(".new")
    beside.write_text(json.dumps(more))
    beside.replace(one.config)
    one.until(60, lambda: any("acme/second" in path for _, path, *_ in github.requests))
    one.until(60, lambda: snapshot(one.config, 0.0).problems == [])


def test_another_workspace_is_moved_to_at_once_and_one_that_cannot_be_used_is_not(service, github, tmp_path):
    one = service(github, daemon={**FAST, "stop_seconds": 20}).start()
    one.until(60, lambda: github.requests)
    values = json.loads(one.config.read_text())
    (tmp_path / "file").touch()
    for workspace in (tmp_path / "file" / "workspace", tmp_path / "elsewhere"):
        asked = len(github.requests)
        values["fine_tuning"]["workspace_dir"] = str(workspace)
        one.config.write_text(json.dumps(values))
        if workspace.parent != tmp_path:
            one.until(60, lambda: "can't be made" in one.log())
    there = layout_of(load_settings(one.config))
    one.until(60, lambda: (found := holder(there.lock)) and found.pid == one.process.pid)
    assert holder(one.layout.lock) is None
    assert "beginning anew" in one.log()
    one.until(60, lambda: len(github.requests) > asked)
    (there.drop / "scan.zip").write_bytes(behaviour(steps=1))
    one.layout = there
    one.until(60, lambda: one.counts() == {"done": 1})
    assert one.stop() == 0


def test_a_stop_that_comes_while_it_begins_anew_counts(service, tmp_path):
    one = service(None).start()
    one.until(60, lambda: holder(one.layout.lock))
    values = json.loads(one.config.read_text())
    values["fine_tuning"]["workspace_dir"] = str(tmp_path / "elsewhere")
    one.config.write_text(json.dumps(values))
    one.until(60, lambda: "beginning anew" in one.log())
    assert one.stop() == 0


def test_bad_settings_keep_it_down_under_launchd(tmp_path):
    config = tmp_path / "settings.yaml"
    config.write_text("nonsense: 1\n")
    command = [sys.executable, "-m", "daemon.cli", "run", "--config", str(config)]
    for words, expected in (([], 2), (["--stay-down"], 0)):
        assert subprocess.run([*command, *words], cwd=ROOT, capture_output=True, check=False).returncode == expected


def kill_at_random(one, github, chance, wanted, longest=0.8):
    """Kill the service or its child until it was done so often; return the workflow runs and the kills of each kind.

    Every other run's child doesn't notice that its service is gone: the next service has to end it.
    `longest` is the most seconds that a service lives before it is killed.
    """
    kills, numbers, done = {"service": 0, "child": 0}, [], 0
    while sum(kills.values()) < wanted:
        done = max(done, one.counts().get("done", 0))
        if len(numbers) - done < 2:
            how = {"steps": 25, "data_steps": 10, "seconds": 0.02, "no_leash": len(numbers) % 2 == 1}
            numbers.append(github.run(REPOSITORY, artifacts={"scan": behaviour(**how, number=len(numbers))}))
            one.look_now()
        if chance.random() < 0.5 and (children := one.children(10.0)):
            time.sleep(chance.uniform(0.0, 0.4))
            for number in children:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            kills["child"] += 1
        else:
            time.sleep(chance.uniform(0.0, longest))
            one.process.kill()
            one.process.wait()
            kills["service"] += 1
            one.start()
    return numbers, kills


def check_after_kills(one, numbers):
    """No run lost, none finished twice, no orphan, no traceback."""
    one.until(120, lambda: one.counts() == {"done": len(numbers)})
    one.until(60, lambda: holder(one.layout.lock))  # the last kill may have been a moment ago
    assert one.stop() == 0
    store = one.store()
    keys = [int(run.key.split(":")[2]) for run in store.queue.in_state(RunState.DONE)]
    store.close()
    assert sorted(keys) == sorted(numbers)
    results = [json.loads(path.read_text()) for path in one.layout.workspace.glob("runs/*/result.json")]
    assert len(results) == len(numbers)
    assert not [line for line in ps() if str(one.layout.workspace) in line and "stub_flow" in line]
    assert "Traceback" not in one.log()
    assert not [path for path in one.layout.logs.glob("run-*.log") if "Traceback" in path.read_text()]


def test_kills_at_random_moments_lose_no_run_and_finish_none_twice(service, github):
    """kill -9 of service or child while it polls, downloads and works; `benchmarks.kills` does it more often."""
    one = service(github, daemon={**FAST, "newest_only": False}, github={"poll_seconds": 10}).start()
    numbers, kills = kill_at_random(one, github, random.Random(4), 30)
    check_after_kills(one, numbers)
    assert min(kills.values()) >= 5, kills


def ps():
    return subprocess.run(["ps", "axww"], capture_output=True, text=True, check=False).stdout.splitlines()
