"""What `fixsmith serve` answers: findings, explanations and verified proposals, as JSON over HTTP.

Only whoever has the token, on this machine: a page in a browser has neither it nor the right `Host`.
"""

from __future__ import annotations

import hmac
import re
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from config.errors import Error, UsageError
from config.settings import Settings
from pipeline.assistant.answer import Asked, Said
from pipeline.assistant.fixing import proposed
from pipeline.assistant.question import meant, question_of
from pipeline.assistant.specialist import TITLES, require_specialist, specialist_of
from pipeline.assistant.verifying import is_verified, require_open, verifier_of
from pipeline.models.base import resolve
from pipeline.records import Finding
from pipeline.stage import read_records

LARGEST_BODY = 16 * 1024
AT_ONCE = 8
SILENCE_SECONDS = 30
EXPLANATION_TOKENS = 320
LOCAL = ("127.0.0.1", "localhost")
STATUS = {2: HTTPStatus.BAD_REQUEST, 3: HTTPStatus.UNPROCESSABLE_ENTITY}
_PORT = re.compile(r":\d+$")
Told = tuple[HTTPStatus, Any]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


def _refusal(status: HTTPStatus, message: str, hint: str | None = None) -> Told:
    return status, {"error": message, "hint": hint}


NOWHERE = _refusal(
    HTTPStatus.NOT_FOUND, "There is no such thing here.", "GET /health, GET /findings, POST /explain, POST /fix."
)


class Explain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /explain`: the finding's id or the start of it, or PATH:LINE."""

    finding: Name


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /fix`: as of `/explain`, and how often the specialist is asked at most."""

    finding: Name
    tries: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4


class Answers:
    """The answers themselves. `run` and `settings` give the newest of each; `ask` asks a specialist."""

    def __init__(
        self, run: Callable[[], Path], settings: Callable[[], Settings], ask: Callable[[Asked], tuple[Said, ...]]
    ) -> None:
        self.run, self.settings, self.ask = run, settings, ask

    def health(self, _: bytes) -> Any:
        """Return the run whose findings are served, and which specialists answer for it."""
        run = self.run()
        return {"run": run.name, "specialists": {kind: specialist_of(run, kind) for kind in TITLES}}

    def findings(self, _: bytes) -> Any:
        """Return the run's findings, as `fixsmith findings --format json` does."""
        return list(read_records(self.run() / "parse" / "findings.jsonl", Finding))

    def explain(self, body: bytes) -> Any:
        """Return the analysis specialist's answer about a finding, and what it was asked."""
        asked = meant(self.run(), _decoded(body, Explain).finding, self.settings())
        specialist = require_specialist(asked.run, "analysis")
        messages = question_of(asked.material)
        base = str(resolve(specialist.base).path)
        said = self.ask(Asked(base, specialist.adapter, messages, EXPLANATION_TOKENS))[0]
        return {"finding": asked.material.finding, "messages": messages, "answer": said.text}

    def fix(self, body: bytes) -> Any:
        """Return proposals with their diffs and verdicts, made in the scanned commit; nothing is written."""
        wanted = _decoded(body, Fix)
        asked = meant(self.run(), wanted.finding, self.settings())
        require_open(asked)
        with ExitStack() as stack:
            verifier = verifier_of(asked, None, stack)
            specialist = specialist_of(asked.run, "codefix")
            made = proposed(asked.material, specialist, verifier, wanted.tries, self.ask)
        return {
            "finding": asked.material.finding, "verified": any(map(is_verified, made)), "proposals": made,
        }  # fmt: skip


def server(answers: Answers, token: str, port: int) -> ThreadingHTTPServer:
    """Return a server on loopback that answers whoever has the token; port 0 takes any.

    Raises Error when the port is taken.
    """
    room = threading.BoundedSemaphore(AT_ONCE)

    class Handler(_Handler):
        pass

    Handler.answers, Handler.token, Handler.room = answers, token, room
    try:
        return _Server(("127.0.0.1", port), Handler)
    except OSError as error:
        raise Error(f"Port {port} can't be had: {error.strerror}.", "Name another with --port.") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        """Say nothing of a client that left."""


class _Handler(BaseHTTPRequestHandler):
    answers: Answers
    token: str
    room: threading.BoundedSemaphore
    timeout = SILENCE_SECONDS
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "fixsmith", ""

    def do_GET(self) -> None:
        self._answer({"/health": self.answers.health, "/findings": self.answers.findings})

    def do_POST(self) -> None:
        self._answer({"/explain": self.answers.explain, "/fix": self.answers.fix})

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: an address may hold what a person asked."""

    def _answer(self, known: dict[str, Callable[[bytes], Any]]) -> None:
        status, told = self._told(known)
        content = msgspec.json.encode(told)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if status != HTTPStatus.OK:
            self.send_header("Connection", "close")  # the body may be unread
        self.end_headers()
        self.wfile.write(content)

    def _told(self, known: dict[str, Callable[[bytes], Any]]) -> Told:
        path = urlsplit(self.path).path
        refused = self._refused() or (None if path in known else NOWHERE)
        if refused:
            return refused
        if not self.room.acquire(blocking=False):
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"{AT_ONCE} questions wait already.", "Ask later.")
        try:
            return HTTPStatus.OK, known[path](self.rfile.read(self._length() or 0))
        except Error as error:
            return _refusal(STATUS.get(error.exit_code, HTTPStatus.INTERNAL_SERVER_ERROR), error.message, error.hint)
        finally:
            self.room.release()

    def _refused(self) -> Told | None:
        """Return the refusal of a request that isn't this machine's, has no token or is too large."""
        if _PORT.sub("", self.headers.get("Host", "")) not in LOCAL:
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST, "This is served to this machine only.", f"Ask {LOCAL[0]}.")
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            hint = "Send `Authorization: Bearer TOKEN`."
            return _refusal(HTTPStatus.UNAUTHORIZED, "The token is missing or wrong.", hint)
        if self._length() is None:
            what = f"A body has at most {LARGEST_BODY} bytes, and says how many."
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, what)
        return None

    def _length(self) -> int | None:
        """Return the body's length, None when it isn't said or is too much."""
        said = self.headers.get("Content-Length", "0")
        is_said = said.isascii() and said.isdecimal() and len(said) < 8 and "Transfer-Encoding" not in self.headers
        return int(said) if is_said and int(said) <= LARGEST_BODY else None


def _decoded(body: bytes, form: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.DecodeError as error:
        fields = ", ".join(form.__struct_fields__)
        raise UsageError(f"The body isn't what is expected: {error}.", f"A JSON object with: {fields}.") from error
