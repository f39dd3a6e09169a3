"""Two GitHubs, or two tokens, watched by one service: each repository has its own address and token."""

import json

import pytest

from daemon.intake import Intake
from daemon.snapshot import snapshot
from daemon.store.records import RunState
from tests.daemon.conftest import REPOSITORY, Scene, zipped
from tests.daemon.stand_in import TOKEN, StandIn

REPORT = zipped({"report.sarif": "{}"})
OTHER = "corp/vault"


@pytest.fixture
def other(clock):
    with StandIn(clock) as stand_in:
        stand_in.repository(OTHER, number=7)
        stand_in.tokens = {"token-of-the-other"}
        yield stand_in


@pytest.fixture
def both(tmp_path, clock, sensors, github, other, monkeypatch):
    """A scene that watches one repository at each, with tokens as a person gives them."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    token = tmp_path / "token"
    token.write_text("token-of-the-other\n")
    token.chmod(0o600)
    watched = [{"name": OTHER, "base_url": other.base_url, "token_file": str(token)}, {"name": REPOSITORY}]
    one = Scene(tmp_path, clock, sensors, github, repositories=watched)
    yield one
    one.store.close()


def intake(one):
    return Intake(one.store, one.live, one.layout, one.sensors, one.clock, one.notifier)


def test_each_is_asked_at_its_address_with_its_token_and_nothing_else(both, github, other):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    other.run(OTHER, artifacts={"scan": REPORT})
    intake(both).step()
    assert {run.repository for run in both.store.queue.in_state(RunState.QUEUED)} == {REPOSITORY, OTHER}
    for stand_in, token in ((github, TOKEN), (other, "token-of-the-other")):
        assert {headers["Authorization"] for *_, headers in stand_in.requests} == {f"Bearer {token}"}
        assert stand_in.storage_requests


@pytest.mark.parametrize("fault", ["revoked", "unreadable", "limited"])
def test_a_fault_of_one_holds_back_only_that_is_told_once_and_shown(both, github, other, clock, tmp_path, fault):
    def break_it():
        if fault == "revoked":
            other.tokens = set()
        elif fault == "unreadable":
            (tmp_path / "token").chmod(0o644)
        else:
            other.remaining = 0

    break_it()
    one = intake(both)
    for _ in range(3):
        github.run(REPOSITORY, created=clock.now(), artifacts={"scan": REPORT})
        one.step()
        clock.pass_by(400)
    assert len(both.store.queue.in_state(RunState.QUEUED)) == 3
    problems = snapshot(both.config, clock.now()).problems
    assert (len(both.told), len(problems)) == ((0, 0) if fault == "limited" else (1, 1)), (both.told, problems)
    other.tokens, other.remaining = {"token-of-the-other"}, 5000
    (tmp_path / "token").chmod(0o600)
    other.run(OTHER, artifacts={"scan": REPORT})
    clock.pass_by(2000)
    one.step()
    assert len(both.store.queue.in_state(RunState.QUEUED)) == 4
    assert snapshot(both.config, clock.now()).problems == []


def test_the_same_number_at_two_githubs_and_of_their_runs_mixes_nothing(both, github, other, clock):
    github.repositories[REPOSITORY]["id"] = 7
    next(other._numbers)
    numbers = {github.run(REPOSITORY, artifacts={"scan": REPORT}), other.run(OTHER, artifacts={"scan": REPORT})}
    assert len(numbers) == 1, "the runs have the same number too"
    work = intake(both)
    for _ in range(3):
        work.step()
        clock.pass_by(400)
    runs = both.store.queue.in_state(RunState.QUEUED)
    assert sorted(run.repository for run in runs) == [REPOSITORY, OTHER]
    assert len({run.folder for run in runs}) == 2
    assert [one.problem for one in snapshot(both.config, clock.now()).repositories] == [None, None]
    assert len({both.store.ledger.repository(name).id for name in (REPOSITORY, OTHER)}) == 2


def test_a_repository_that_moves_to_another_github_under_its_name_is_a_new_one(scene, github, clock, tmp_path):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    one.intake().step()
    with StandIn(clock) as new:
        new.repository(REPOSITORY, number=9)
        new.run(REPOSITORY, artifacts={"scan": REPORT})
        settings = json.loads(one.config.read_text())
        settings["github"]["base_url"] = new.base_url
        one.config.write_text(json.dumps(settings))
        clock.pass_by(400)
        one.intake().step()
    numbers = {run.key.split(":")[1] for run in one.store.queue.in_state(RunState.QUEUED)}
    assert numbers == {"9", str(github.repositories[REPOSITORY]["id"])}


def test_two_tokens_at_one_address_are_two_places(both, github, other, clock):
    """The token that works must not settle what is wrong with the one that doesn't: it would be told at each poll."""
    settings = json.loads(both.config.read_text())
    settings["github"]["repositories"][0]["base_url"] = ""
    both.config.write_text(json.dumps(settings))
    one = intake(both)
    for _ in range(3):
        one.step()
        clock.pass_by(400)
    assert [title for title, _ in both.told] == ["fixsmith: GitHub's token is needed"]
    assert len(snapshot(both.config, clock.now()).problems) == 1


def test_a_repository_that_was_never_there_does_not_hold_back_another(scene, github, clock):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene(repositories=["acme/misspelt", REPOSITORY])
    work = one.intake()
    wait = work.step()
    assert len(one.store.queue.in_state(RunState.QUEUED)) == 1
    assert wait >= 0.5, "it is asked for again and again"
    assert [title for title, _ in one.told] == ["fixsmith: acme/misspelt can't be watched"]
    assert "404" in snapshot(one.config, clock.now()).repositories[0].problem
    github.repository("acme/misspelt")
    clock.pass_by(4000)
    work.step()
    assert snapshot(one.config, clock.now()).repositories[0].problem is None
    assert one.store.ledger.repository("acme/misspelt").id


@pytest.mark.parametrize("where", ["/compare/", "/artifacts", "/zip"])
def test_what_a_token_may_not_see_waits_for_a_person_and_is_not_refused(scene, github, clock, where):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(where, (403, {}, '{"message":"Resource not accessible by personal access token"}'), times=9)
    one = scene()
    work = one.intake()
    for _ in range(9):
        work.step()
        clock.pass_by(400)
    assert one.states()[number][0] in ("candidate", "accepted")
    assert [title for title, _ in one.told] == [f"fixsmith: {REPOSITORY} isn't readable"]
    assert "read access" in snapshot(one.config, clock.now()).repositories[0].problem
    work.step()
    assert one.states()[number][0] == "queued"
    assert snapshot(one.config, clock.now()).repositories[0].problem is None


def test_what_needs_a_person_is_in_the_status_where_notifications_are_off(tmp_path, clock, sensors):
    one = Scene(tmp_path, clock, sensors, notifications={"enabled": False})
    one.notifier.needs_person("drop", "The drop folder can't be used", "It is gone.")
    assert one.told == []
    assert snapshot(one.config, clock.now()).problems == ["It is gone."]
    one.store.close()
