"""A week of a working Mac, time compressed: sleep, battery, heat, 300 workflow runs, deaths of the service."""

import random
from collections import Counter

from daemon.conditions.readings import Readings, Thermal
from daemon.runner import Runner
from daemon.store.records import RunState
from tests.daemon.bench import Awake
from tests.daemon.conftest import REPOSITORY, Scene, zipped

HOUR = 3600.0
DAY = 24 * HOUR
STEP = 240.0
REPORT = zipped({"report.sarif": "{}"})
# how a workflow run is made, and where it must end in the ledger
KINDS = {
    "good": ({}, "queued"),
    "late": ({"status": "in_progress"}, "queued"),
    "failing-scan": ({"conclusion": "failure"}, "queued"),
    "fork": ({"fork": 666}, "refused"),
    "pull-request": ({"event": "pull_request"}, "refused"),
    "other-commit": ({"on_branch": False}, "refused"),
    "cancelled": ({"conclusion": "cancelled"}, "refused"),
    "empty": ({}, "empty"),
    "expired": ({}, "expired"),
}
WEIGHTS = (50, 8, 10, 9, 7, 3, 5, 4, 4)
ENDS = {0: RunState.DONE, 1: RunState.PARKED, 3: RunState.REFUSED, 4: RunState.NOT_BETTER}


class Worker:
    """A child that needs simulated time, keeps its checkpoint over stops, and ends as it was told to."""

    pid = 0

    def __init__(self, week, key, *, trains):
        self.week, self.key, self.asked, self.begun = week, (key, trains), False, week.clock.at
        self.trains = trains

    def listen(self, _patience):
        return []

    def exit_code(self):
        if self.asked:
            return 75
        self.week.worked[self.key] += self.week.clock.at - self.begun
        self.begun = self.week.clock.at
        return self.week.ends[self.key] if self.week.worked[self.key] >= self.week.needs[self.key] else None

    def request_stop(self):
        self.asked = True

    def kill(self):
        raise AssertionError("nothing here needs to be killed")

    def resident(self):
        return 0

    def wake(self):
        pass

    def close(self):
        self.week.at_work = None


class Week:
    def __init__(self, scene, github, clock, sensors):
        self.scene, self.github, self.clock, self.sensors = scene, github, clock, sensors
        self.chance = random.Random(11)
        self.start = clock.at
        self.worked, self.needs, self.ends = Counter(), {}, {}
        self.expected, self.finishing, self.all_ends, self.at_work = {}, [], {}, None
        self.battery_work = Counter()
        self.intake, self.runner = scene.intake(), self.new_runner()

    def new_runner(self):
        runner = Runner(
            self.scene.store, self.scene.live, self.scene.layout, self.sensors, self.clock, Launching(self),
            self.scene.notifier,
            Awake(), ("flow",), lambda token, seconds, recorded: 1,
        )  # fmt: skip
        runner.recover()
        return runner

    def start_child(self, folder, *, trains):
        key = int(folder.rsplit("-", 2)[1])
        end = self.all_ends.setdefault(key, self.chance.choices((0, 1, 3, 4), (88, 4, 4, 4))[0])
        self.needs.setdefault((key, False), self.chance.uniform(20, 240))
        self.needs.setdefault((key, True), self.chance.uniform(120, 1200))
        self.ends[key, False] = end if end == 3 else 0
        self.ends[key, True] = end
        assert self.at_work is None, "two children at once"
        self.at_work = Worker(self, key, trains=trains)
        return self.at_work

    def plan(self):
        moments = sorted(self.start + self.chance.uniform(0, 6.5 * DAY) for _ in range(300))
        kinds = self.chance.choices(list(KINDS), WEIGHTS, k=300)
        return list(zip(moments, kinds, strict=True))

    def happen(self, kind):
        how, end = KINDS[kind]
        number = self.github.run(REPOSITORY, **how)
        if kind == "late":
            self.finishing.append((self.clock.at + self.chance.uniform(600, 5 * HOUR), number))
        if kind != "empty":
            self.github.upload(number, "scan", REPORT + bytes(4) + number.to_bytes(8, "big"), expired=kind == "expired")
        self.expected[number] = end

    def machine(self):
        """Set what the machine says: battery over noon, heat in the afternoon, asleep at night."""
        hour = ((self.clock.at - self.start) % DAY) / HOUR
        self.sensors.readings = Readings(
            on_mains=not 12 <= hour < 14,
            battery=60,
            thermal=Thermal.HEAVY if 16 <= hour < 17 else Thermal.NOMINAL,
            disk_free=10**12,
            metered=9 <= hour < 10,
        )
        return 0 <= hour < 7

    def die(self):
        """The service and its child are killed; another service takes over."""
        self.at_work = None
        self.intake, self.runner = self.scene.intake(), self.new_runner()

    def live(self):
        planned, deaths = self.plan(), [self.start + self.chance.uniform(0, 7 * DAY) for _ in range(25)]
        due_in = due_run = self.clock.at
        while self.clock.at < self.start + 9 * DAY:
            while planned and planned[0][0] <= self.clock.at:
                self.happen(planned.pop(0)[1])
            for entry in [one for one in self.finishing if one[0] <= self.clock.at]:
                self.finishing.remove(entry)
                self.github.finish(entry[1])
            asleep = self.machine()
            if not asleep:
                if deaths and min(deaths) <= self.clock.at:
                    deaths.remove(min(deaths))
                    self.die()
                if self.clock.at >= due_in:
                    due_in = self.clock.at + self.intake.step()
                    due_run = self.clock.at
                if self.clock.at >= due_run:
                    due_run = self.clock.at + min(self.runner.step(0.0), 1800)
                if self.at_work is not None and not self.sensors.readings.on_mains:
                    self.battery_work[self.at_work.trains] += 1
            elif self.at_work is not None:
                self.at_work.begun = self.clock.at + STEP  # no work is done while the machine sleeps
            self.clock.pass_by(STEP)


class Launching:
    def __init__(self, week):
        self.week = week

    def start(self, command, token, log):
        trains = "--skip-fine-tuning" not in command
        return self.week.start_child(command[command.index("--artifacts-dir") + 1], trains=trains)


def test_after_a_week_the_ledger_is_what_it_should_be(tmp_path, clock, sensors, github):
    scene = Scene(
        tmp_path, clock, sensors, github,
        github={"poll_seconds": 900, "artifact_wait_minutes": 30},
        conditions={"settle_seconds": 60, "check_seconds": 30},
        daemon={"interruptions": 100, "retry_seconds": 60, "newest_only": False},
    )  # fmt: skip
    scene.store.connection.execute("PRAGMA synchronous = OFF")  # no power fails in this week
    week = Week(scene, github, clock, sensors)
    week.live()
    found = {number: state for number, (state, _) in scene.states().items()}
    assert found == week.expected
    assert len(found) == 300
    runs = {int(run.key.split(":")[2]): run.state for run in scene.store.queue.in_state(*RunState, limit=1000)}
    wanted = {number for number, end in week.expected.items() if end == "queued"}
    assert runs == {number: ENDS[week.all_ends[number]] for number in wanted}
    assert set(runs) == wanted
    finished = scene.store.queue.in_state(RunState.DONE, limit=1000)
    assert all(week.worked[int(run.key.split(":")[2]), True] > 0 for run in finished)
    assert week.battery_work[True] <= 7, "training went on for more than one look on battery power"
    assert week.battery_work[False] > 7, "data sets waited for mains power"
    assert Counter(runs.values())[RunState.PARKED] > 0
    assert scene.store.queue.counts().get("queued", 0) == 0
    scene.store.close()
