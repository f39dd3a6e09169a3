"""What becomes of a run: ends, failures, interruptions, hard stops."""

import json

import pytest

from daemon.store.records import RunState


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


def test_a_scan_without_findings_is_done_and_needs_nobody(bench):
    one = bench()
    one.add(prepared=False)
    one.runner.step(0.0)
    run = one.end(3, {"event": "error", "kind": "NothingToLearn", "message": "There are none.", "hint": "Check."})
    assert (run.state, run.reason, run.finished_at) == (RunState.DONE, "There are none.", one.scene.clock.now())
    assert not one.scene.told and one.runner.step(0.0) == 3600


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
