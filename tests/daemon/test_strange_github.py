"""Answers that GitHub, an Enterprise server, or something between gives once in a year."""

import json
import zipfile

import pytest

from config.secret import Secret
from config.settings import Github
from daemon.clock import SystemClock
from daemon.errors import GithubError
from daemon.github.client import Client
from daemon.github.download import Bounds, Downloader
from daemon.github.limits import Limits
from daemon.store.records import RunState
from tests.daemon.conftest import REPOSITORY, FakeClock, zipped

REPORT = zipped({"report.sarif": "{}"})
OTHER = zipped({"report.sarif": "{ }"})


def queued(one):
    return [run.key.split(":")[2:] for run in one.store.queue.in_state(RunState.QUEUED)]


def downloaded(one):
    return sorted(path.name for path in one.layout.downloads.rglob("*") if path.is_file())


def test_a_renamed_repository_is_watched_and_downloaded_from_under_its_old_name(scene, github, clock):
    one = scene()
    intake = one.intake()
    intake.step()
    github.rename(REPOSITORY, "acme/store")
    number = github.run("acme/store", artifacts={"scan": REPORT})
    clock.pass_by(400)
    intake.step()
    assert queued(one) == [[str(number), "1"]]
    assert all("Authorization" not in headers for _, headers in github.storage_requests)


def test_a_redirect_with_a_body_that_drips_without_end_is_given_up(scene, github, clock):
    github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(r"/runs\?", ("drip", 0.05, 302, {"Location": github.base_url}))
    one = scene(github={"answer_seconds": 0.2})
    one.clock = SystemClock()
    one.intake().step()
    assert "took more than" in one.store.ledger.repository(REPOSITORY).problem


ADDRESSES = ("http://[::1", "https://host:port/", "//[", "https://a:99999999/x", "", "\x7f")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("where", [r"/runs\?", r"/zip$"])
def test_a_redirect_to_no_address_is_a_sentence_and_passes(scene, github, clock, address, where):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(where, (302, {"Location": address}, ""), times=1 if address else 4)
    one = scene()
    intake = one.intake()
    intake.step()
    assert not queued(one)
    clock.pass_by(400)
    intake.step()
    assert queued(one) == [[str(number), "1"]]


@pytest.mark.parametrize("address", [*ADDRESSES, "https://elsewhere.example/next", "http://127.0.0.1:1/next"])
def test_a_next_page_anywhere_else_is_not_followed_and_no_run_is_lost(scene, github, clock, address):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()
    github.fail(r"/runs\?", (200, {"Link": f'<{address}>; rel="next"'}, '{"workflow_runs":[]}'))
    intake.step()
    clock.pass_by(90_000)
    intake.step()
    assert queued(one) == [[str(number), "1"]]


def test_a_list_of_artifacts_without_end_is_given_up(scene, github, clock):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    path = f"/repos/{REPOSITORY}/actions/runs/{number}/artifacts"
    circle = (200, {"Link": f'<{github.base_url}{path}?page=2>; rel="next"'}, '{"artifacts":[]}')
    github.fail(r"/artifacts\?", circle, times=101)
    one = scene()
    intake = one.intake()
    intake.step()
    assert one.states()[number] == ("accepted", "GitHub's list has no end.")
    clock.pass_by(4000)
    intake.step()
    assert one.states()[number][0] == "queued"


@pytest.mark.parametrize("headers", [{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, {"Retry-After": "0"}])
def test_a_limit_that_has_passed_already_is_not_asked_about_each_second(scene, github, clock, headers):
    github.fail(r".", (403, headers, '{"message":"API rate limit exceeded"}'), times=1000)
    one = scene()
    intake = one.intake()
    start = clock.now()
    while clock.now() - start < 6 * 3600:
        clock.pass_by(max(1.0, intake.step()))
    assert len(github.requests) < 20


@pytest.mark.parametrize("headers", [{"Retry-After": "9" * 18}, {"Retry-After": "9" * 5000}, {"Retry-After": "²"},
                                     {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"},
                                     {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}])  # fmt: skip
def test_a_limit_without_end_is_asked_about_again_after_a_day(scene, github, clock, headers):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(r".", (429, headers, "{}"))
    one = scene()
    intake = one.intake()
    intake.step()
    for _ in range(26):
        clock.pass_by(3600)
        intake.step()
    assert queued(one) == [[str(number), "1"]]


def test_what_is_refused_is_no_part_of_the_run(scene, github, monkeypatch):
    from daemon.errors import ArtifactRefused

    number = github.run(REPOSITORY, artifacts={"good": REPORT, "forged": OTHER})

    def verify(path, *_):
        if "forged" in path.name:
            raise ArtifactRefused("forged has no valid attestation.", "It is refused.")

    monkeypatch.setattr("daemon.github.fetch.verify", verify)
    one = scene(repositories=[{"name": REPOSITORY, "attestation": True}])
    one.intake().step()
    assert queued(one) == [[str(number), "1"]]
    assert downloaded(one) == ["good.zip"]


def test_what_broke_off_and_expired_is_no_part_of_the_run(scene, github, clock):
    number = github.run(REPOSITORY, artifacts={"good": REPORT})
    late = github.upload(number, "late", OTHER)
    github.fail(f"/blob/{late}", ("short", 40), where="storage")
    one = scene()
    intake = one.intake()
    intake.step()
    assert f"{late}.part" in downloaded(one)
    github.artifacts[late]["expired"] = True
    clock.pass_by(400)
    intake.step()
    assert queued(one) == [[str(number), "1"]]
    assert downloaded(one) == ["good.zip"]


def test_of_artifacts_of_one_name_the_last_counts(scene, github, clock):
    number = github.run(REPOSITORY, artifacts={"scan": OTHER, "once": OTHER})
    github.rerun(number)
    github.upload(number, "scan", REPORT)
    one = scene()
    one.intake().step()
    assert queued(one) == [[str(number), "2"]]
    assert downloaded(one) == ["once.zip", "scan.zip"]
    [scan] = one.layout.downloads.rglob("scan.zip")
    assert scan.read_bytes() == REPORT


def test_an_artifact_deleted_before_its_download_holds_back_no_other(scene, github, clock):
    number = github.run(REPOSITORY, artifacts={"good": REPORT})
    gone = github.upload(number, "between", OTHER)
    github.fail(f"/artifacts/{gone}/zip", (404, {}, '{"message":"Not Found"}'))
    one = scene()
    intake = one.intake()
    intake.step()
    del github.artifacts[gone]
    clock.pass_by(400)
    intake.step()
    assert queued(one) == [[str(number), "1"]]
    assert downloaded(one) == ["good.zip"]


def test_a_run_deleted_at_github_is_refused_at_once_and_nobody_is_told(scene, github, clock):
    number = github.run(REPOSITORY)
    one = scene()
    intake = one.intake()
    intake.step()
    del github.runs[number]
    github.fail(r"/artifacts\?", (404, {}, '{"message":"Not Found"}'))
    clock.pass_by(200)
    intake.step()
    assert one.states()[number] == ("refused", "it was deleted at GitHub")
    assert not one.told


@pytest.mark.parametrize("status", ["completed", "in_progress"])
def test_a_token_that_loses_sight_of_the_repository_loses_no_run(scene, github, clock, status):
    number = github.run(REPOSITORY, status=status, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()
    if status == "completed":
        github.fail(r"/compare/", (500, {}, ""))
    intake.step()
    hidden, github.repositories = github.repositories, {}
    clock.pass_by(4000)
    intake.step()
    assert one.states()[number][0] in ("candidate", "going")
    github.repositories = hidden
    github.finish(number)
    for _ in range(3):
        clock.pass_by(4000)
        intake.step()
    assert queued(one) == [[str(number), "1"]]


def test_an_enterprise_servers_zip_made_on_demand_needs_no_announced_size(scene, github, clock):
    number = github.run(REPOSITORY)
    content = zipped({f"{name}.json": "x" * 10 for name in range(2000)})
    whole = github.upload(number, "scan", content, digest=False)
    github.artifacts[whole]["size"] = 20_000  # of the files in it, as upload-artifact v3 has it
    github.fail("/blob/", ("short-unsaid", len(content) // 2), where="storage")
    one = scene()
    intake = one.intake()
    intake.step()
    assert not queued(one)
    clock.pass_by(400)
    intake.step()
    assert queued(one) == [[str(number), "1"]]
    [got] = one.layout.downloads.rglob("*.zip")
    assert zipfile.ZipFile(got).testzip() is None


@pytest.mark.parametrize("code", [302, 307])
def test_storage_may_redirect_a_little_and_not_in_circles(scene, github, clock, code):
    number = github.run(REPOSITORY)
    blob = github.upload(number, "scan", REPORT)
    link = f"http://127.0.0.1:{github.storage.server_port}/blob/{blob}?again"
    one = scene()
    intake = one.intake()
    github.fail("/blob/", (code, {"Location": link}, ""), times=10, where="storage")
    intake.step()
    assert one.states()[number] == ("accepted", "The storage redirects in circles.")
    github.faults[0][2] = 2
    clock.pass_by(4000)
    intake.step()
    assert queued(one) == [[str(number), "1"]]
    assert all("Authorization" not in headers for _, headers in github.storage_requests)


@pytest.mark.parametrize("link", ["http://{host}/blob/1", "http://example.org/x", "ftp://{host}/x", "file:///etc/passwd",
                                  "https://someone:word@{host}/x"])  # fmt: skip
def test_a_link_less_safe_than_the_api_is_not_followed(link):
    clock = FakeClock()
    settings = Github(base_url="https://github.example/api/v3")
    downloader = Downloader(Client(settings, Secret("t"), clock, Limits(clock)), Bounds(1, 1.0, 1.0), clock)
    with pytest.raises(GithubError, match=r"https|password"):
        downloader._opened(link.format(host="github.example"), {})


@pytest.mark.parametrize("body", ["<!DOCTYPE html><p>Sign in", "[" * 100_000, '{"a":' * 100_000, "[]", "null", "7",
                                  '{"workflow_runs":{}}', "\udcff\udcfe"])  # fmt: skip
@pytest.mark.parametrize("status", [200, 502])
def test_any_body_is_a_sentence_and_passes(scene, github, clock, body, status):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    one = scene()
    intake = one.intake()
    intake.step()
    again = github.run(REPOSITORY, artifacts={"scan": REPORT})
    raw = type("Raw", (str,), {"encode": lambda self: str.encode(self, "utf-8", "surrogateescape")})(body)
    github.fail(r"/runs\?", (status, {}, raw))
    clock.pass_by(400)
    intake.step()
    problem = one.store.ledger.repository(REPOSITORY).problem
    assert problem and len(problem) < 400
    assert ("github.base_url" in problem) == (body.startswith("<") and status == 200)
    clock.pass_by(4000)
    intake.step()
    assert sorted(queued(one)) == sorted([[str(number), "1"], [str(again), "1"]])


@pytest.mark.parametrize("skew", [-5 * 3600, 5 * 3600])
def test_late_artifacts_are_waited_for_by_githubs_clock(scene, github, clock, skew):
    github.skew = skew
    number = github.run(REPOSITORY, created=clock.now() + skew)
    one = scene()
    intake = one.intake()
    intake.step()
    assert one.states()[number] == ("accepted", "waiting for artifacts: *")
    for _ in range(9):
        clock.pass_by(180)
        intake.step()
    assert one.states()[number][0] == "accepted"
    clock.pass_by(900)
    intake.step()
    assert one.states()[number][0] == "empty"


def test_late_artifacts_of_a_run_that_took_hours_are_waited_for(scene, github, clock):
    number = github.run(REPOSITORY, status="in_progress")
    one = scene()
    intake = one.intake()
    intake.step()
    for _ in range(40):  # so that it is asked for by itself
        clock.pass_by(1)
        github.run(REPOSITORY, conclusion="cancelled")
    clock.pass_by(2 * 3600)
    github.finish(number)
    intake.step()
    assert one.states()[number] == ("accepted", "waiting for artifacts: *")


def test_a_download_that_never_comes_is_asked_for_ever_more_seldom_told_and_shown(scene, github, clock):
    from daemon.snapshot import snapshot

    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail("/blob/", (503, {}, "out of order"), times=10_000, where="storage")
    one = scene(daemon={"retry_seconds": 60, "retry_most_seconds": 3600})
    intake = one.intake()
    start = clock.now()
    while clock.now() - start < 8 * 3600:
        clock.pass_by(max(1.0, intake.step()))
    assert 8 < len(github.storage_requests) < 25
    assert [title for title, _ in one.told] == [f"fixsmith: A scan of {REPOSITORY} doesn't arrive"]
    [shown] = snapshot(one.config, clock.now()).coming
    assert (shown["workflow_run"], shown["reason"]) == (number, "The storage answered 503.")
    github.faults.clear()
    clock.pass_by(4000)
    intake.step()
    assert queued(one) == [[str(number), "1"]]
    assert json.loads(json.dumps(snapshot(one.config, clock.now()).coming)) == []


@pytest.mark.parametrize("times", [1, 4])
def test_a_commit_that_github_does_not_find_at_first_is_asked_for_again(scene, github, clock, times):
    number = github.run(REPOSITORY, artifacts={"scan": REPORT})
    github.fail(r"/compare/", (404, {}, '{"message":"Not Found"}'), times=times)
    one = scene()
    intake = one.intake()
    for _ in range(5):
        intake.step()
        clock.pass_by(400)
    expected = ("queued", "") if times == 1 else ("refused", "its commit isn't in the repository or main isn't")
    assert one.states()[number] == expected
