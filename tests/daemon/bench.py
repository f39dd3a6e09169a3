"""A runner with a simulated child for the rules, or with real processes for the mechanics."""

import sys
import time
from pathlib import Path

from daemon.conditions.sensors import KeepAwake
from daemon.runner import Runner
from daemon.store.records import NewRun

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
