"""A clock that was wrong when times were noted: nothing waits for a moment that only the wrong clock knew."""

import pytest

from daemon.store.records import NewRun, RunState
from tests.daemon.conftest import REPOSITORY, zipped

REPORT = zipped({"report.sarif": "{}"})
DAY = 86_400


@pytest.mark.parametrize("days", [2, 400])
def test_a_clock_that_is_set_back_holds_nothing_back(scene, github, clock, days):
    """The Mac begins with a clock that is ahead; GitHub's is right all the time."""
    github.skew = -days * DAY
    right = clock.now() - days * DAY
    one = scene()
    intake = one.intake()
    first = github.run(REPOSITORY, created=right - 60, artifacts={"scan": REPORT})
    late = github.run(REPOSITORY, created=right - 30, status="in_progress")
    slow = github.run(REPOSITORY, created=right - 20)
    intake.step()
    states = one.states()
    assert [states[number][0] for number in (first, late, slow)] == ["queued", "going", "accepted"]
    clock.at, github.skew = right + 60, 0.0
    github.finish(late)
    for number in (late, slow):
        github.upload(number, "scan", REPORT)
    for _ in range(3):
        clock.pass_by(400)
        intake.step()
    assert {state for state, _ in one.states().values()} == {"queued"}
    assert one.store.fact("housekeeping", float) <= clock.now()


def test_a_run_put_off_by_a_wrong_clock_goes_on(bench, clock):
    one = bench(daemon={"retry_seconds": 60, "retry_most_seconds": 600})
    one.add()
    one.runner.step(0.0)
    one.end(1)
    clock.pass_by(-3 * DAY)
    one.runner.step(0.0)
    assert one.queue.get(1).state == RunState.RUNNING


def test_a_wait_that_is_meant_is_kept(scene, clock):
    one = scene()
    one.store.queue.add(NewRun("k", "drop", None, None, None, "/f", 1.0), clock.now())
    one.store.connection.execute("UPDATE runs SET not_before = ?", (clock.now() + 100,))
    assert one.store.queue.due(clock.now(), (), 100) is None
    assert one.store.queue.due(clock.now(), (), 99) is not None
    assert one.store.queue.due(clock.now() + 100, (), 100) is not None
