"""When work begins, pauses and goes on."""

import msgspec

from daemon.store.records import RunState


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
