"""Over HTTP: findings, explanations and verified proposals, for who has the token, on this machine only."""

from __future__ import annotations

import http.client
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from config.errors import Error
from config.settings import Settings
from daemon.cli import main
from daemon.commands.serve import token_in
from pipeline.assistant import serving
from pipeline.assistant.answer import Asked, Said
from pipeline.assistant.resident import Resident
from pipeline.assistant.serving import Answers, server
from pipeline.records import Message
from pipeline.stage import write_records

from .samples import BAD, CODE, GOOD, finish

ASKED = Asked("base", None, (Message(role="user", content="a"),), 8)


class Client:
    """Talks to a server that is asked with `ask` instead of a model."""

    def __init__(self, workspace: Path, ask) -> None:
        self.serving = server(Answers(lambda: (workspace / "latest").resolve(), Settings, ask), "secret", 0)
        self.port = self.serving.server_address[1]
        self.thread = threading.Thread(target=self.serving.serve_forever)
        self.thread.start()

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict]:
        headers = {"Authorization": "Bearer secret"} | headers
        answer = requests.request(
            method, f"http://127.0.0.1:{self.port}{path}", json=body, headers=headers, timeout=120
        )
        return answer.status_code, answer.json()

    def close(self) -> None:
        self.serving.shutdown()
        self.serving.server_close()
        self.thread.join()


@pytest.fixture
def client(workspace: Path):
    made: list[Client] = []

    def make(ask=lambda _: (Said("because of md5", True),)) -> Client:
        made.append(Client(workspace, ask))
        return made[-1]

    yield make
    for one in made:
        one.close()


def trained(workspace: Path) -> None:
    for kind in ("analysis", "codefix"):
        finish(workspace / "latest" / f"train-{kind}", {"base_model": "embedded"})


def test_a_finding_is_listed_explained_and_its_fix_verified(workspace: Path, source: Path, client) -> None:
    trained(workspace)
    ask = client(lambda asked: tuple(Said(BAD, True) for _ in asked.seeds) or (Said(GOOD, True),))
    assert ask("GET", "/health")[1]["run"] == "abc"
    assert [one["rule"]["id"] for one in ask("GET", "/findings")[1]] == ["S324"]
    status, told = ask("POST", "/explain", {"finding": "app.py:5"})
    assert (status, told["answer"]) == (200, GOOD) and told["messages"][1]["role"] == "user"
    status, told = ask("POST", "/fix", {"finding": "aaaa", "tries": 2})
    assert status == 200 and told["verified"] and "+" + GOOD in told["proposals"][0]["diff"]
    assert (source / "app.py").read_text() == CODE


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "headers", "said"),
    [
        (401, "GET", "/findings", None, {"Authorization": "Bearer other"}, "token"),
        (401, "GET", "/findings", None, {"Authorization": ""}, "token"),
        (421, "GET", "/findings", None, {"Host": "rebound.example:80"}, "this machine only"),
        (404, "GET", "/explain", None, {}, "no such thing"),
        (404, "POST", "/findings/../../etc/passwd", None, {}, "no such thing"),
        (400, "POST", "/explain", {"finding": "bbbb"}, {}, "No finding of run abc is called bbbb"),
        (400, "POST", "/explain", {"finding": ""}, {}, "isn't what is expected"),
        (400, "POST", "/explain", {"finding": "aaaa", "adapter": "/etc"}, {}, "adapter"),
        (400, "POST", "/explain", ["aaaa"], {}, "isn't what is expected"),
        (400, "POST", "/explain", {"finding": "aaaa"}, {}, "no analysis specialist"),
        (400, "POST", "/fix", {"finding": "aaaa", "tries": 1000}, {}, "tries"),
        (413, "POST", "/fix", {"finding": "a" * 20_000}, {}, "at most"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_else(client, status, method, path, body, headers, said) -> None:
    found, told = client()(method, path, body, **headers)
    assert found == status and said in told["error"] and set(told) == {"error", "hint"}


def test_a_body_that_does_not_say_its_length_is_refused(client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client().port, timeout=60)
    headers = {"Authorization": "Bearer secret", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/explain", iter([b"{}"]), headers, encode_chunked=True)
    assert connection.getresponse().status == 413


def test_more_questions_than_can_wait_are_sent_away(workspace: Path, client, monkeypatch) -> None:
    monkeypatch.setattr(serving, "AT_ONCE", 1)
    trained(workspace)
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: Asked) -> tuple[Said, ...]:
        begun.set()
        go_on.wait(60)
        return (Said("late", True),)

    ask = client(slow)
    first = threading.Thread(target=ask, args=("POST", "/explain", {"finding": "aaaa"}))
    first.start()
    assert begun.wait(60)
    assert ask("GET", "/findings")[0] == 503
    go_on.set()
    first.join()
    assert ask("GET", "/findings")[0] == 200


def test_a_new_run_is_served_without_a_restart(workspace: Path, client) -> None:
    ask = client()
    write_records(workspace / "latest" / "parse" / "findings.jsonl", [])
    assert ask("GET", "/findings") == (200, [])


def child(program: str, **limits: float) -> Resident:
    return Resident(command=(sys.executable, "-c", program), **limits)


def test_a_resident_answers_many_questions_from_one_process_and_leaves_when_none_comes() -> None:
    said = '[{"text": "%d", "finished": true}]'
    program = f"import os, sys\nfor _ in sys.stdin: print({said!r} % os.getpid(), flush=True)"
    ask = child(program, idle=0.5)
    assert ask(ASKED) == ask(ASKED)
    first = ask(ASKED)[0].text
    deadline = time.monotonic() + 60
    while ask.is_loaded:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ask(ASKED)[0].text != first
    ask.close()
    assert not ask.is_loaded


def test_a_resident_says_why_it_could_not_answer_and_answers_the_next_question(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = (
        f"import pathlib, sys\nmark = pathlib.Path({str(mark)!r})\nsys.stdin.readline()\n"
        "mark.exists() or (mark.touch(), sys.exit('no such model'))\nprint('[]', flush=True)"
    )
    ask = child(program)
    with pytest.raises(Error, match="could not answer: no such model"):
        ask(ASKED)
    assert ask(ASKED) == ()
    ask.close()


def test_a_resident_is_ended_when_it_takes_too_long() -> None:
    ask = child("import time; time.sleep(600)", limit=0.3)
    with pytest.raises(Error, match=r"longer than 0\.3 seconds"):
        ask(ASKED)
    assert not ask.is_loaded


def test_the_command_serves_a_real_model_and_ends_on_a_signal(workspace: Path, tiny: Path) -> None:
    shutil.copytree(tiny / "one", workspace / "latest/train-analysis/model")
    finish(workspace / "latest/train-analysis", {"base_model": str(tiny / "base")})
    command = [sys.executable, "-m", "daemon.cli", "serve", "--port", "0", "--output-dir", str(workspace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        address, token = line.split(" at ")[1].split(";")[0], workspace / "serve.token"
        headers = {"Authorization": f"Bearer {token.read_text().strip()}"}
        told = [
            requests.post(f"{address}/explain", json={"finding": "aaaa"}, headers=headers, timeout=120).json()["answer"]
            for _ in range(2)
        ]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert told[0] and told[0] == told[1] and token.stat().st_mode & 0o777 == 0o600


def test_the_token_stays_and_wrong_ports_and_empty_workspaces_are_refused(tmp_path: Path, capsys) -> None:
    assert token_in(tmp_path / "token") == token_in(tmp_path / "token") and len(token_in(tmp_path / "token")) > 40
    assert main(["serve", "--port", "99999"]) == 2
    assert main(["serve", "--output-dir", str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err


def test_a_taken_port_is_said(client) -> None:
    with pytest.raises(Error, match="can't be had"):
        server(client().serving.RequestHandlerClass.answers, "t", client().port)
