"""A teacher writes over real HTTP; what it makes up is not admitted, and who wrote is recorded."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from samples import excerpt, finding, fix

from config.errors import Postponed, SettingsError
from config.load import build
from config.settings import Teacher
from pipeline.dataset.examples import Material, examples
from pipeline.dataset.teacher.admission import refusal
from pipeline.dataset.teacher.interface import TeacherFailed
from pipeline.dataset.teacher.lessons import taught, teacher_of
from pipeline.records import Outcome, Verdict

GOOD = (
    "Line 4 of app/read.py hands the stream to yaml.load, which builds whatever objects the text asks for (CWE-20). "
    "Whoever writes the stream decides what `read` makes, so use `yaml.safe_load(stream)` instead."
)
VERDICT = Verdict(fingerprint="f1", fix="x", outcome=Outcome.VERIFIED, evidence="two CI scans")
MADE = list(examples(Material(finding=finding(), excerpt=excerpt(), fixes=((fix(), VERDICT),))))
SOURCES = MADE[0][1].messages[1].content + "\n" + MADE[0][1].messages[2].content


class Stub(BaseHTTPRequestHandler):
    """Chat completions: answers what the server was told to, and remembers what it was asked."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers.get("Authorization"), body))
        status, text = self.server.reply
        choice = {"index": 0, "finish_reason": self.server.ending, "message": {"role": "assistant", "content": text}}
        answer = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": body["model"],
                             "choices": [choice]} if text is not None else {"error": "no"}).encode()  # fmt: skip
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Stub) as running:
        running.asked, running.reply, running.ending = [], (200, GOOD), "stop"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def ask(server, tmp_path):
    def run(clean=lambda text: text):
        settings = Teacher(model="large", address=f"http://127.0.0.1:{server.server_port}/v1", seconds=10.0)
        refused = Counter()
        result = taught(MADE, teacher_of(settings), tmp_path / "kept", clean, refused, lambda done, total: None)
        return result, refused

    return run


def test_an_admitted_text_becomes_the_answer_and_its_author_is_recorded(ask, server, monkeypatch):
    monkeypatch.setenv("FIXSMITH_TEACHER_TOKEN", "t0ken")
    result, refused = ask()
    opening = MADE[0][1].messages[2].content.split("\n")[0]
    assert result[0][1].messages[2].content == f"{opening}\n{GOOD}"
    assert result[0][1].messages[:2] == MADE[0][1].messages[:2]
    assert result[0][1].metadata["author"] == "teacher: large"
    assert result[1:] == MADE[1:]
    assert MADE[-1][1].metadata["author"] == "rules"
    assert not refused
    ((path, token, body),) = server.asked
    assert (path, token) == ("/v1/chat/completions", "Bearer t0ken")
    assert body["model"] == "large"
    assert body["temperature"] == 0
    assert [one["role"] for one in body["messages"]] == ["system", "user"]
    assert "yaml.load(stream)" in body["messages"][1]["content"]


def test_what_was_answered_once_is_not_asked_again(ask, server):
    assert ask() == ask()
    assert len(server.asked) == 1


def test_a_made_up_text_is_counted_and_ours_stays(ask, server):
    server.reply = (200, GOOD.replace("CWE-20", "CWE-502"))
    result, refused = ask()
    assert result == MADE
    assert refused == {"teacher: names a CWE that its sources don't": 1}


def test_a_text_that_was_cut_off_is_not_admitted(ask, server):
    server.ending = "length"
    assert ask()[1] == {"teacher: empty, cut off or too long": 1}


def test_a_secret_is_not_admitted(ask):
    result, refused = ask(clean=lambda text: text.replace("yaml", "[redacted]"))
    assert result == MADE
    assert refused == {"teacher: shows a secret": 1}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("Line 4", "Line 40"), "a line"),
        (("Line 4", "Lines 4-9"), "a line"),
        (("(CWE-20)", "(CVE-2020-1747)"), "an advisory"),
        (("(CWE-20)", "since 5.3.1"), "a version"),
        (("`read`", "`parse_all`"), "quoted code"),
        (("yaml.load,", "yaml.full_load,"), "an identifier"),
        (("the stream to", "inputStream to"), "an identifier"),
        (("app/read.py", "app/write.py"), "an identifier"),
        (("Whoever", "Rule B301 says: whoever"), "an identifier"),
    ],
)
def test_everything_a_text_names_must_stand_in_its_sources(change, why):
    assert refusal(GOOD, SOURCES) is None
    assert change[0] in GOOD
    assert refusal(GOOD.replace(*change), SOURCES) == f"names {why} that its sources don't"


def test_a_text_in_sections_is_no_explanation():
    assert refusal(f"## Impact\n{GOOD}", SOURCES) == "headings, lists or fences"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{GOOD} It is no check. It is no check.", "says a sentence twice"),
        (f"{GOOD} It is a security check that", "breaks off"),
        ("The code is not a security check, and whoever reads it should be careful.", "names nothing of this code"),
    ],
)
def test_what_a_small_model_says_when_it_has_nothing_to_say_is_not_admitted(text: str, why: str) -> None:
    assert refusal(text, SOURCES) == why


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((500, "x"), TeacherFailed),
        ((401, "x"), TeacherFailed),
        ((302, "x"), TeacherFailed),
        ((200, None), TeacherFailed),
        ((429, "x"), Postponed),
    ],
)
def test_a_teacher_that_fails_stops_the_run_and_is_never_an_empty_text(ask, server, reply, error, tmp_path):
    server.reply = reply
    with pytest.raises(error):
        ask()
    assert not list((tmp_path / "kept").iterdir())
    assert len(server.asked) == 1


def test_a_teacher_that_is_not_there_is_said():
    teacher = teacher_of(Teacher(model="m", address="http://127.0.0.1:9/v1", seconds=2.0))
    with pytest.raises(TeacherFailed, match="can't be reached"):
        teacher.write([MADE[0][1].messages[:2]], lambda number, text: None)


def test_it_is_off_unless_a_model_is_named_and_never_over_plain_http():
    assert teacher_of(Teacher()) is None
    with pytest.raises(SettingsError):
        build({"teacher": {"address": "http://example.com/v1", "model": "m"}}, "test")
