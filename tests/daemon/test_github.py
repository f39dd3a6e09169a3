"""Watching GitHub, against the stand-in on loopback."""

import pytest

from daemon.store.records import RunState
from tests.daemon.conftest import REPOSITORY, behaviour, zipped

REPORT = zipped({"report.sarif": "{}"})


def test_an_uploaded_artifact_becomes_a_run_with_its_file_beside_it(scene, github):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    one.intake().step()
    [run] = one.store.queue.in_state(RunState.QUEUED)
    assert run.key == f"github:{github.repositories[REPOSITORY]['id']}:{number}:1"
    assert (run.repository, run.branch, run.commit_sha) == (REPOSITORY, "main", github.runs[number]["sha"])
    files = [path.name for path in one.layout.downloads.rglob("*") if path.is_file()]
    assert files == ["scan.zip"]


def test_nothing_new_costs_one_conditional_request_and_no_quota(scene, github, clock):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()
    intake.step()
    clock.pass_by(400)
    intake.step()  # learns the ETag of the plain list after the first sweep
    clock.pass_by(400)
    before, quota = len(github.requests), github.remaining
    intake.step()
    assert [status for status, *_ in github.requests[before:]] == [304]
    assert github.remaining == quota


def test_between_polls_nothing_is_asked(scene, github, clock):
    one = scene()
    intake = one.intake()
    wait = intake.step()
    before = len(github.requests)
    assert 250 < wait <= 300
    clock.pass_by(100)
    intake.step()
    assert len(github.requests) == before


def test_every_run_missed_in_days_of_sleep_is_taken_in_order(scene, github, clock):
    one = scene()
    intake = one.intake()
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    intake.step()
    start = clock.now()
    numbers = [
        github.run(REPOSITORY, created=start + 600 * index, artifacts={"scan": REPORT}) for index in range(1, 95)
    ]
    clock.pass_by(3 * 86400)
    intake.step()
    queued = one.store.queue.in_state(RunState.QUEUED)[::-1]
    assert [int(run.key.split(":")[2]) for run in queued][1:] == numbers


def test_runs_beyond_the_end_of_filtered_lists_are_found(scene, github, clock):
    github.list_end = 1000
    one = scene(github={"artifact_wait_minutes": 0})
    intake = one.intake()
    intake.step()
    start = clock.now()
    for index in range(1130):
        github.run(REPOSITORY, created=start + 60 * (index // 2), conclusion="cancelled")
    clock.pass_by(2 * 86400)
    intake.step()
    assert len(one.states()) == 1130


def test_a_run_that_finishes_later_than_a_newer_one_is_not_missed(scene, github, clock):
    one = scene()
    intake = one.intake()
    slow = github.run(REPOSITORY, status="in_progress")
    clock.pass_by(60)
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    intake.step()
    assert one.states()[slow][0] == "going"
    github.finish(slow)
    github.upload(slow, "scan", REPORT)
    clock.pass_by(400)
    intake.step()
    assert one.states()[slow][0] == "queued"


def test_a_run_deep_in_the_list_is_asked_for_by_itself(scene, github, clock):
    one = scene()
    intake = one.intake()
    slow = github.run(REPOSITORY, status="queued")
    intake.step()
    for _ in range(40):
        clock.pass_by(1)
        github.run(REPOSITORY, conclusion="cancelled")
    clock.pass_by(400)
    intake.step()
    github.finish(slow, "failure")
    github.upload(slow, "scan", REPORT)
    clock.pass_by(3700)
    intake.step()
    assert one.states()[slow][0] == "queued"


def test_a_second_attempt_is_taken_too(scene, github, clock):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()
    intake.step()
    github.rerun(number)
    clock.pass_by(90_000)
    intake.step()
    assert [run.key.split(":")[3] for run in one.store.queue.in_state(RunState.QUEUED)] in (["2", "1"], ["1", "2"])


def test_late_artifacts_are_waited_for(scene, github, clock):
    number = github.run(REPOSITORY)
    one = scene()
    intake = one.intake()
    intake.step()
    assert one.states()[number] == ("accepted", "waiting for artifacts: *")
    github.upload(number, "scan", REPORT)
    clock.pass_by(200)
    intake.step()
    assert one.states()[number][0] == "queued"


def test_artifacts_that_never_come_end_the_wait(scene, github, clock):
    number = github.run(REPOSITORY)
    one = scene()
    intake = one.intake()
    intake.step()
    clock.pass_by(31 * 60)
    intake.step()
    assert one.states()[number] == ("empty", "it uploaded no wanted artifact")


def test_expired_artifacts_are_said_so(scene, github):
    number = github.run(REPOSITORY)
    github.upload(number, "scan", REPORT, expired=True)
    gone = github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(r"/zip$", (410, {}, '{"message":"Artifact has expired"}'))
    one = scene()
    one.intake().step()
    assert one.states()[number][0] == one.states()[gone][0] == "expired"


def test_a_raw_artifact_keeps_the_name_storage_gives(scene, github):
    number = github.run(REPOSITORY)
    github.upload(number, "scan", b"{}", file_name="../../trivy.sarif")
    one = scene()
    one.intake().step()
    assert [path.name for path in one.layout.downloads.rglob("*") if path.is_file()] == ["trivy.sarif"]


def test_an_artifact_without_digest_must_have_its_size(scene, github):
    number = github.run(REPOSITORY)
    github.upload(number, "scan", REPORT, digest=False)
    github.fail("/blob/", ("short-unsaid", 40), where="storage")
    one = scene()
    intake = one.intake()
    intake.step()
    assert one.states()[number][0] == "accepted"
    one.clock.pass_by(100)
    intake.step()
    assert one.states()[number][0] == "queued"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"fork": 666}, "its code comes from a fork"),
        ({"deleted_fork": True}, "its code comes from a fork"),
        ({"event": "pull_request"}, "its event is pull_request"),
        ({"event": "pull_request_target"}, "its event is pull_request_target"),
        ({"path": ".github/workflows/other.yml"}, "its workflow is .github/workflows/other.yml"),
        ({"on_branch": False}, "its commit isn't on main"),
        ({"conclusion": "cancelled"}, "it ended in cancelled"),
    ],
)
def test_what_does_not_count_is_refused_with_its_reason_and_never_downloaded(scene, github, how, reason):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT}, **how)
    watched = {"name": REPOSITORY, "workflows": [".github/workflows/security.yml"]}
    one = scene(repositories=[watched])
    one.intake().step()
    assert one.states()[number] == ("refused", reason)
    assert not github.storage_requests


def test_a_name_taken_by_somebody_else_is_not_watched(scene, github, clock):
    one = scene()
    intake = one.intake()
    intake.step()
    github.repositories[REPOSITORY]["id"] = 999
    stolen = github.run(REPOSITORY, artifacts={"scan": REPORT})
    clock.pass_by(400)
    intake.step()
    assert stolen not in one.states()
    assert "is now repository 999" in one.store.ledger.repository(REPOSITORY).problem


def test_a_pinned_number_must_agree(scene, github):
    one = scene(repositories=[{"name": REPOSITORY, "id": 5}])
    one.intake().step()
    assert "not 5 as the settings say" in one.store.ledger.repository(REPOSITORY).problem


def test_the_token_never_reaches_storage_nor_does_netrc(scene, github, tmp_path, monkeypatch):
    (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login someone password netrc-secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / ".netrc"))
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    one.intake().step()
    assert one.store.queue.in_state(RunState.QUEUED)
    assert github.storage_requests
    assert all("Authorization" not in headers for _, headers in github.storage_requests)
    assert all(headers["X-GitHub-Api-Version"] == "2022-11-28" for *_, headers in github.requests)


def test_only_wanted_artifacts_are_taken(scene, github):
    github.run(REPOSITORY, artifacts={"sarif-bandit": REPORT, "logs": b"x"})
    one = scene(repositories=[{"name": REPOSITORY, "artifacts": ["sarif-*"]}])
    one.intake().step()
    assert [path.name for path in one.layout.downloads.rglob("*.zip")] == ["sarif-bandit.zip"]


def test_a_paused_repository_is_left_alone(scene, github):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene(repositories=[{"name": REPOSITORY, "paused": True}])
    one.intake().step()
    assert not github.requests


def test_a_metered_network_holds_downloads_back(scene, github, sensors):
    import msgspec

    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    sensors.readings = msgspec.structs.replace(sensors.readings, metered=True)
    one = scene()
    one.intake().step()
    assert one.states()[number][0] == "candidate"
    assert not github.storage_requests


def test_an_enterprise_address_with_a_path_works(tmp_path, clock, sensors, github):
    from tests.daemon.conftest import Scene

    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = Scene(tmp_path, clock, sensors, github, github={"base_url": github.base_url + "/api/v3"})
    one.intake().step()
    assert one.states()[number][0] == "queued"
    assert all(path.startswith(("/api/v3/", "/repositories/")) for _, path, _ in github.requests)
    one.store.close()


def test_an_artifact_past_the_limit_is_left_out_and_the_others_taken(scene, github):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT, "huge": b"x" * 5000})
    one = scene(artifacts={"max_total_bytes": 2000})
    one.intake().step()
    assert one.states()[number][0] == "queued"
    assert [path.name for path in one.layout.downloads.rglob("*.zip")] == ["scan.zip"]


def test_behaviour_helper_makes_a_zip():
    assert behaviour(steps=1)[:2] == b"PK"
