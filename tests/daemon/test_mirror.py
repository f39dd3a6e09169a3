"""The service's own clone of a watched repository, from a git server that wants the token."""

import base64
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from config.secret import Secret
from config.settings import Github, Watched
from daemon.errors import GithubError, SourceRefused
from daemon.mirror import Mirrors, address
from daemon.snapshot import snapshot
from daemon.store.records import RunState
from tests.daemon.bench import Bench
from tests.daemon.conftest import REPOSITORY, zipped
from tests.daemon.stand_in import TOKEN
from tests.daemon.test_service import ps


class GitHandler(BaseHTTPRequestHandler):
    """git's own HTTP server program behind a password, as GitHub's: the token is the password."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        wanted = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        time.sleep(getattr(self.server, "slow", 0))
        if status := getattr(self.server, "status", None):
            self.send_response(status)
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        told = {
            "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_LENGTH": str(length),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "REMOTE_USER": "x",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        body = self.rfile.read(length)
        result = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env={**os.environ, **told})
        head, _, body = result.stdout.partition(b"\r\n\r\n")
        lines = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n"))
        self.send_response(int(lines.pop("Status", "200").split()[0]))
        for name, value in lines.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET


class Origin:
    """A repository with commits, served over HTTP."""

    def __init__(self, root):
        self.work, self.bare = root / "work", root / "served" / f"{REPOSITORY}.git"
        self.git("init", "-q", "-b", "main", str(self.work))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), GitHandler)
        self.server.root = root / "served"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def git(self, *words):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, **files):
        for name, text in files.items():
            (self.work / f"{name}.py").write_text(text)
        self.git("-C", str(self.work), "add", "-A")
        self.git("-C", str(self.work), "commit", "-q", "-m", "a change")
        if not self.bare.exists():
            self.git("clone", "-q", "--bare", str(self.work), str(self.bare))
            for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
                self.git("-C", str(self.bare), "config", key, "true")
        self.git("-C", str(self.work), "push", "-q", "--force", str(self.bare), "main")
        return self.git("-C", str(self.work), "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path):
    (tmp_path / "origin").mkdir()
    made = Origin(tmp_path / "origin")
    yield made
    made.server.shutdown()
    made.server.server_close()


def bring(origin, mirrors, commit, token=TOKEN):
    mirrors.bring(Watched(name=REPOSITORY), 7, commit, Github(base_url=origin.url), Secret(token))
    return mirrors.path(7, REPOSITORY)


def test_the_clone_holds_the_commits_and_their_files_and_the_token_nowhere(origin, tmp_path):
    stored = tmp_path / "stored"
    (tmp_path / "home" / ".gitconfig").write_text(f"[credential]\n\thelper = store --file={stored}\n")
    first = origin.commit(app="old text", other="unchanged")
    mirrors = Mirrors(tmp_path / "mirrors")
    clone = bring(origin, mirrors, first)
    second = origin.commit(app="new text")
    assert bring(origin, mirrors, second) == clone
    alone = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
    for commit, text in ((first, "old text"), (second, "new text")):
        command = ["git", "-C", str(clone), "show", f"{commit}:app.py"]
        assert subprocess.run(command, capture_output=True, text=True, env=alone, check=True).stdout == text
    files = [path for path in mirrors.folder.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert not stored.exists(), "the person's credential helper got the token"


def test_a_wrong_token_or_an_unknown_commit_is_a_sentence(origin, tmp_path):
    commit = origin.commit(app="text")
    mirrors = Mirrors(tmp_path / "mirrors")
    with pytest.raises(SourceRefused, match="Authentication failed"):
        bring(origin, mirrors, commit, token="wrong")
    for status, kind in ((403, SourceRefused), (404, SourceRefused), (503, GithubError)):
        origin.server.status = status
        with pytest.raises(GithubError, match="can't be brought up to date") as caught:
            bring(origin, mirrors, commit)
        assert type(caught.value) is kind, status
    origin.server.status = None
    with pytest.raises(GithubError, match="doesn't hold commit"):
        bring(origin, mirrors, "0" * 40)


def test_a_lock_that_a_killed_git_left_is_no_obstacle(origin, tmp_path):
    mirrors = Mirrors(tmp_path / "mirrors")
    clone = bring(origin, mirrors, origin.commit(app="one"))
    for name in ("packed-refs.lock", "refs/heads/main.lock"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    bring(origin, mirrors, origin.commit(app="two"))


def test_a_clone_that_takes_too_long_is_given_up_with_all_it_started(origin, tmp_path):
    origin.server.slow = 30
    begun = time.monotonic()
    with pytest.raises(GithubError, match="took too long"):
        commit = origin.commit(app="one")
        Mirrors(tmp_path / "mirrors", seconds=2.0).bring(
            Watched(name=REPOSITORY), 7, commit, Github(base_url=origin.url), Secret(TOKEN)
        )
    assert time.monotonic() - begun < 25
    assert not [line for line in ps() if str(tmp_path / "mirrors") in line]


def test_where_a_repository_is_cloned_from():
    watched = Watched(name="a/b")
    assert address(watched, Github()) == "https://github.com/a/b.git"
    assert address(watched, Github(base_url="https://ghe.example/api/v3")) == "https://ghe.example/a/b.git"
    assert address(watched, Github(base_url="https://api.octo.ghe.com")) == "https://octo.ghe.com/a/b.git"
    assert address(Watched(name="a/b", clone_url="https://x.example/y.git"), Github()) == "https://x.example/y.git"


def test_a_watched_repositorys_clone_is_the_source_of_its_runs(origin, scene, github):
    shas = [origin.commit(app="old"), origin.commit(app="new")]
    for number, sha in enumerate(shas):
        run = github.run(REPOSITORY, created=github.clock() + number, artifacts={"scan": zipped({"report.sarif": sha})})
        github.runs[run]["sha"] = sha
        github.repositories[REPOSITORY]["commits"].add(sha)
    one = scene(repositories=[{"name": REPOSITORY, "mirror": True, "clone_url": origin.bare.as_uri()}])
    one.intake().step()
    bench = Bench(one)
    bench.runner.step(0.0)
    bench.end(0)
    bench.runner.step(0.0)
    commands = [child.command for child in bench.launcher.children]
    clone = str(Mirrors(one.layout.mirrors).path(github.repositories[REPOSITORY]["id"], REPOSITORY))
    assert all(command[command.index("--source") + 1] == clone for command in commands)
    assert commands[1][commands[1].index("--earlier-source") + 1] == shas[0]


def test_a_clone_that_is_refused_costs_one_try_and_a_line_in_the_status(origin, scene, github, clock):
    github.run(REPOSITORY, artifacts={"scan": zipped({"report.sarif": "{}"})})
    one = scene(repositories=[{"name": REPOSITORY, "mirror": True, "clone_url": "file:///nowhere/at/all"}])
    one.intake().step()
    assert len(one.store.queue.in_state(RunState.QUEUED)) == 1
    [watching] = snapshot(one.config, clock.now()).repositories
    assert "Its runs have no source" in watching.problem and "`mirror`" in watching.problem
    one.config.write_text(one.config.read_text().replace("file:///nowhere/at/all", origin.bare.as_uri()))
    sha = origin.commit(app="text")
    run = github.run(REPOSITORY, created=clock.now() + 1, artifacts={"scan": zipped({"report.sarif": sha})})
    github.runs[run]["sha"] = sha
    github.repositories[REPOSITORY]["commits"].add(sha)
    clock.pass_by(400)
    one.intake().step()
    assert len(one.store.queue.in_state(RunState.QUEUED)) == 2
    assert snapshot(one.config, clock.now()).repositories[0].problem is None


def test_a_clone_that_fails_is_tried_again_and_then_done_without(origin, scene, github, clock):
    github.run(REPOSITORY, artifacts={"scan": zipped({"report.sarif": "{}"})})
    origin.server.status = 503
    one = scene(daemon={"attempts": 3})
    one.config.write_text(one.config.read_text().replace('"mirror": false', '"mirror": true'))
    intake = one.intake()
    bring = intake.mirrors.bring
    intake.mirrors.bring = lambda watched, number, commit, _, token: bring(
        watched, number, commit, Github(base_url=origin.url), token
    )
    for _ in range(3):
        assert not one.store.queue.in_state(RunState.QUEUED)
        intake.step()
        clock.pass_by(4000)
    bench = Bench(one)
    bench.runner.step(0.0)
    assert "--source" not in bench.launcher.children[0].command


def test_the_clone_of_a_repository_that_is_no_longer_watched_goes(tmp_path):
    mirrors = Mirrors(tmp_path)
    for number in (1, 2):
        mirrors.path(number, "a/b").mkdir(parents=True)
    mirrors.drop_all_but({mirrors.path(1, "a/b").name})
    assert [entry.name for entry in tmp_path.glob("*.git")] == ["1-a-b.git"]
