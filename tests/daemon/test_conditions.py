from datetime import time
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Conditions
from daemon.conditions import linux, macos
from daemon.conditions.linux import LinuxSensors
from daemon.conditions.machine import Reason, State, decide, in_hours
from daemon.conditions.readings import Memory, Readings, Thermal

NOON = time(12)
GOOD = Readings(on_mains=True, battery=100, thermal=Thermal.NOMINAL, memory=Memory.NORMAL, display_on=False,
                user_idle=9999, disk_free=10**12, metered=False)  # fmt: skip


def settled(readings, settings, state=None):
    state, _ = decide(state or State(), readings, settings, 0, NOON)
    return decide(state, readings, settings, settings.settle_seconds, NOON)


def change(**readings):
    return msgspec.structs.replace(GOOD, **readings)


def test_good_conditions_must_last_before_work_begins():
    settings = Conditions(settle_seconds=60)
    state, decision = decide(State(), GOOD, settings, 100, NOON)
    assert not decision.allowed and decision.waiting_for == ("conditions to stay good for 60 s more",)
    state, decision = decide(state, GOOD, settings, 159, NOON)
    assert not decision.allowed
    _, decision = decide(state, GOOD, settings, 160, NOON)
    assert decision.allowed and decision.keep_awake


# what makes each condition hold, what isn't yet enough to let go, what lets go
CASES = {
    Reason.POWER: ({}, {"on_mains": False}, None, {"on_mains": True}),
    Reason.BATTERY: ({}, {"battery": 19}, {"battery": 29}, {"battery": 30}),
    Reason.THERMAL: ({}, {"thermal": Thermal.HEAVY}, {"thermal": Thermal.MODERATE}, {"thermal": Thermal.NOMINAL}),
    Reason.MEMORY: ({}, {"memory": Memory.CRITICAL}, {"memory": Memory.WARNING}, {"memory": Memory.NORMAL}),
    Reason.USER: ({"user_idle_minutes": 10}, {"user_idle": 5.0}, {"user_idle": 599.0}, {"user_idle": 600.0}),
    Reason.DISPLAY: ({"display_off_only": True}, {"display_on": True}, None, {"display_on": False}),
    Reason.DISK: ({}, {"disk_free": 4 * 1024**3}, {"disk_free": 7 * 1024**3}, {"disk_free": 8 * 1024**3}),
}


@pytest.mark.parametrize("reason", CASES, ids=str)
def test_each_condition_holds_work_back_and_lets_go_only_past_its_second_bound(reason):
    extra, bad, between, good = CASES[reason]
    settings = Conditions(settle_seconds=0, **extra)
    state, decision = settled(GOOD, settings)
    assert decision.allowed
    state, decision = decide(state, change(**bad), settings, 10, NOON)
    assert not decision.allowed and state.holding == (reason,) and decision.waiting_for
    if between:
        assert decide(State(allowed=True, clear_since=0), change(**between), settings, 11, NOON)[1].allowed
        state, decision = decide(state, change(**between), settings, 11, NOON)
        assert not decision.allowed
    _, decision = decide(state, change(**good), settings, 12, NOON)
    assert decision.allowed


def test_quiet_hours_hold_work_back_past_midnight_too():
    settings = Conditions(settle_seconds=0, quiet_hours="22:00-06:30")
    for day, expected in ((time(23), False), (time(3), False), (time(6, 30), True), (time(21, 59), True)):
        assert decide(State(), GOOD, settings, 0, day)[1].allowed is expected
    assert in_hours("09:00-18:00", time(9)) and not in_hours("09:00-18:00", time(18)) and not in_hours("", NOON)


def test_what_is_unknown_holds_nothing_back():
    assert settled(Readings(), Conditions(user_idle_minutes=5, display_off_only=True))[1].allowed


@pytest.mark.parametrize("reason", CASES, ids=str)
def test_a_reading_that_fails_lets_nothing_go(reason):
    extra, bad, _, good = CASES[reason]
    settings = Conditions(settle_seconds=0, **extra)
    state, _ = decide(State(), change(**bad), settings, 0, NOON)
    unknown = change(**dict.fromkeys(bad))
    for now in range(1, 5):
        state, decision = decide(state, unknown, settings, now, NOON)
        assert state.holding == (reason,) and not decision.allowed
        assert "None" not in decision.waiting_for[0]
    assert decide(state, change(**good), settings, 9, NOON)[1].allowed


def test_a_bound_to_go_on_below_the_one_to_pause_is_said_as_it_counts():
    settings = Conditions(battery_pause=50, battery_resume=30, disk_pause_gigabytes=9, disk_resume_gigabytes=1)
    _, decision = decide(State(), change(battery=40, disk_free=2 * 1024**3), settings, 0, NOON)
    assert decision.waiting_for == ("the battery to reach 50 % (40 % now)", "9 GB of free disk (2.0 are free)")


def test_an_unplugged_disk_is_an_unknown_one(tmp_path):
    assert LinuxSensors(tmp_path / "gone", tmp_path).read().disk_free is None


def test_awake_is_kept_on_mains_power_alone():
    settings = Conditions(mains_only=False)
    assert settled(GOOD, settings)[1].keep_awake
    assert not settled(change(on_mains=False), settings)[1].keep_awake
    assert not settled(change(on_mains=None), settings)[1].keep_awake
    assert not settled(GOOD, Conditions(keep_awake=False))[1].keep_awake


readings = st.builds(
    Readings,
    on_mains=st.none() | st.booleans(),
    battery=st.none() | st.integers(0, 100),
    thermal=st.none() | st.sampled_from(Thermal),
    memory=st.none() | st.sampled_from(Memory),
    display_on=st.none() | st.booleans(),
    user_idle=st.none() | st.floats(0, 1e5),
    disk_free=st.none() | st.integers(0, 10**13),
)
bounds = st.builds(
    Conditions,
    settle_seconds=st.sampled_from([0.0, 60.0]),
    mains_only=st.booleans(),
    battery_pause=st.integers(0, 100),
    battery_resume=st.integers(0, 100),
    thermal_pause=st.sampled_from(["moderate", "heavy", "trapping", "sleeping", "never"]),
    memory_pause=st.sampled_from(["warning", "critical", "never"]),
    user_idle_minutes=st.sampled_from([0.0, 10.0]),
    display_off_only=st.booleans(),
)


@given(st.lists(st.tuples(readings, st.floats(0, 1e4)), max_size=30), bounds)
def test_no_trace_works_on_battery_against_the_settings_or_waits_without_a_reason(trace, settings):
    state, now = State(), 0.0
    for one, passed in trace:
        now += passed
        before = state
        state, decision = decide(state, one, settings, now, NOON)
        assert decision.allowed != bool(decision.waiting_for)
        assert not (decision.allowed and settings.mains_only and one.on_mains is False)
        assert not (decision.allowed and one.battery is not None and one.battery < settings.battery_pause)
        if decision.allowed and not before.allowed:
            assert now - state.clear_since >= settings.settle_seconds
        assert decide(before, one, settings, now, NOON) == (state, decision)


@given(st.lists(st.integers(26, 34), min_size=2, max_size=40))
def test_a_fluttering_battery_changes_the_decision_at_most_once(levels):
    settings, state, decisions = Conditions(settle_seconds=0), State(holding=(Reason.BATTERY,)), []
    for number, level in enumerate(levels):
        state, decision = decide(state, change(battery=level), settings, number, NOON)
        decisions.append(decision.allowed)
    assert sum(one != other for one, other in pairwise(decisions)) <= 1


# as people's machines printed it, in public issue threads of battery and thermal monitors
MAINS = "Now drawing from 'AC Power'\n"
BATTERY = "Now drawing from 'Battery Power'\n"


@pytest.mark.parametrize(
    ("text", "mains", "level"),
    [
        (BATTERY + " -InternalBattery-0 (id=5374051)\t95%; discharging; 3:06 remaining present: true\n", False, 95),
        (BATTERY + " -InternalBattery-0 \t90%; discharging; (no estimate) present: true\n", False, 90),
        (MAINS + " -InternalBattery-0 \t88%; AC attached; not charging present: true\n", True, 88),
        (MAINS + " -InternalBattery-0 \t91%; charging; 0:25 remaining present: true\n", True, 91),
        (MAINS, True, None),
        ("Now drawing from 'UPS Power'\n", False, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_pmset_batt_is_read(text, mains, level):
    assert (macos.on_mains(text), macos.battery(text)) == (mains, level)


APPLE_SILICON = """\
Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
Note: No CPU power status has been recorded
"""
INTEL = """\
Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
2021-05-02 11:51:57 +0800 CPU Power notify
\tCPU_Scheduler_Limit \t= 100
\tCPU_Available_CPUs \t= 12
\tCPU_Speed_Limit \t= {}
"""


@pytest.mark.parametrize(
    ("pressure", "limits", "expected"),
    [
        ("com.apple.system.thermalpressurelevel 0\n", APPLE_SILICON, Thermal.NOMINAL),
        ("com.apple.system.thermalpressurelevel 2\n", APPLE_SILICON, Thermal.HEAVY),
        (None, INTEL.format(100), Thermal.NOMINAL),
        (None, INTEL.format(85), Thermal.MODERATE),
        (None, INTEL.format(28), Thermal.HEAVY),
        (None, APPLE_SILICON, None),
    ],
)
def test_thermal_pressure_is_read(pressure, limits, expected):
    assert macos.thermal(pressure, limits) == expected


def test_other_macos_readings_are_read():
    assert [macos.memory(text) for text in ("1\n", "2\n", "4\n", None)] == [*Memory, None]
    assert macos.display_on('  "IOPowerManagement" = {"MaxPowerState"=4,"CurrentPowerState"=4}') is True
    assert macos.display_on('  "IOPowerManagement" = {"MaxPowerState"=4,"CurrentPowerState"=1}') is False
    assert macos.display_on("") is None
    assert macos.user_idle('    "HIDIdleTime" = 62504500000\n') == 62.5045
    assert macos.metered("   route to: default\n    gateway: 172.20.10.1\n") is True
    assert macos.metered("    gateway: 192.168.1.1\n") is False


def laptop(root, online, status, capacity="80"):
    for name, files in {
        "AC": {"type": "Mains", "online": online},
        "BAT0": {"type": "Battery", "status": status, "capacity": capacity},
        "hidpp_battery_0": {"type": "Battery", "status": "Discharging", "capacity": "5", "scope": "Device"},
    }.items():
        folder = root / "sys/class/power_supply" / name
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text + "\n")


def test_linux_power_is_read_and_a_mouse_is_no_battery(tmp_path):
    laptop(tmp_path, "0", "Discharging")
    found = LinuxSensors(tmp_path, tmp_path).read()
    assert (found.on_mains, found.battery) == (False, 80)


def test_a_linux_machine_without_a_battery_is_on_mains(tmp_path):
    found = LinuxSensors(tmp_path, tmp_path).read()
    assert (found.on_mains, found.battery, found.thermal) == (True, None, None)


def test_linux_heat_and_memory_are_read(tmp_path):
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    for name, text in {"temp": "91000", "trip_point_0_type": "passive", "trip_point_0_temp": "95000"}.items():
        (zone / name).write_text(text + "\n")
    assert LinuxSensors(tmp_path, tmp_path).read().thermal == Thermal.MODERATE
    pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60={} avg300=0.00 total=0\n"
    assert [linux.memory(pressure.format(share)) for share in ("0.00", "7.1", "44.0")] == list(Memory)
    assert linux.metered("GENERAL.METERED:yes (guessed)\n") is True
    assert linux.metered("GENERAL.METERED:no (guessed)\n") is False
