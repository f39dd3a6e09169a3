import io
import json
import zipfile
from pathlib import Path

import pytest

from config.reload import LiveSettings
from config.secret import Secret
from daemon.conditions.readings import Readings
from daemon.layout import layout_of
from daemon.notify import Notifier
from daemon.store.database import prepare
from daemon.store.store import Store
from tests.daemon.stand_in import TOKEN, StandIn

REPOSITORY = "acme/shop"


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at=1_760_000_000.0):
        self.at = at

    def __call__(self):
        return self.at

    def now(self):
        return self.at

    def monotonic(self):
        return self.at

    def pass_by(self, seconds):
        self.at += seconds


class FakeSensors:
    """A machine whose readings are set; it starts on mains power, cool and idle."""

    def __init__(self):
        self.readings = Readings(on_mains=True, battery=100, disk_free=10**12, metered=False)
        self.looks = 0

    def read(self):
        self.looks += 1
        return self.readings


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def behaviour(**how):
    """Return an artifact that tells the stubbed flow what to do."""
    return zipped({"behaviour.json": json.dumps(how)})


def write_settings(path, tmp_path, base_url=None, repositories=(REPOSITORY,), **sections):
    values = {
        "fine_tuning": {"workspace_dir": str(tmp_path / "workspace"), **sections.pop("fine_tuning", {})},
        "daemon": {"drop_settle_seconds": 0.2, "retry_seconds": 1.0, **sections.pop("daemon", {})},
        "conditions": {"settle_seconds": 0, "disk_pause_gigabytes": 0, "disk_resume_gigabytes": 0,
                       **sections.pop("conditions", {})},
        **sections,
    }  # fmt: skip
    if base_url:
        watched = [{"mirror": False, **(one if isinstance(one, dict) else {"name": one})} for one in repositories]
        values["github"] = {"base_url": base_url, "repositories": watched, **sections.get("github", {})}
    path.write_text(json.dumps(values))
    return path


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def sensors():
    return FakeSensors()


@pytest.fixture
def github(clock):
    with StandIn(clock) as stand_in:
        stand_in.repository(REPOSITORY)
        yield stand_in


class Scene:
    """Settings, a store and what was told, in a folder of their own."""

    def __init__(self, tmp_path, clock, sensors, stand_in=None, **sections):
        self.tmp_path, self.clock, self.sensors, self.stand_in = tmp_path, clock, sensors, stand_in
        base_url = stand_in.base_url if stand_in else None
        self.config = write_settings(tmp_path / "settings.yaml", tmp_path, base_url, **sections)
        self.live = LiveSettings(self.config)
        self.layout = layout_of(self.live.current())
        self.layout.make()
        prepare(self.layout.database, self.layout.backups)
        self.store = Store.open(self.layout.database)
        self.told = []
        self.notifier = Notifier(self.store, self.live, clock, lambda title, text: self.told.append((title, text)))

    def intake(self, token=TOKEN):
        from daemon.intake import Intake

        return Intake(
            self.store, self.live, self.layout, self.sensors, self.clock, self.notifier,
            token=lambda _: Secret(token),
        )  # fmt: skip

    def states(self):
        return {run.id: (run.state, run.reason) for run in self.store.ledger.recent(tuple(ALL_STATES), 10_000)}


from daemon.store.records import WorkflowRunState as ALL_STATES  # noqa: E402


@pytest.fixture
def scene(tmp_path, clock, sensors, github):
    made = []

    def make(**sections):
        made.append(Scene(tmp_path, clock, sensors, github, **sections))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


@pytest.fixture
def bench(scene):
    """Make a runner whose child is simulated."""
    from tests.daemon.bench import Bench

    return lambda **sections: Bench(scene(**sections))


@pytest.fixture
def real(tmp_path, sensors):
    """Make a runner whose child is a real process: the stub, told what to do."""
    from daemon import processes
    from daemon.child import ProcessLauncher
    from daemon.clock import SystemClock
    from tests.daemon.bench import STUB, Bench

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


@pytest.fixture(autouse=True)
def _no_personal_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "FIXSMITH_CONFIG", "GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    Path(tmp_path / "home").mkdir(exist_ok=True)
