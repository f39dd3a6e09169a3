"""What a cluster answers is believed within bounds: size, time, redirects, form."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from config.secret import Secret
from pipeline.remote import http
from pipeline.remote.errors import RemoteError, RemoteRefused, Unreachable
from pipeline.remote.ray.client import Jobs


class Liar(BaseHTTPRequestHandler):
    """Answers each path in its own wrong way; remembers what it was sent."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers['Authorization']}")
        way = {"/large": self._large, "/short": self._short, "/away": self._away}
        way.get(self.server.lie, self._text)()  # type: ignore[attr-defined]

    def _large(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b"x" * 100_000)

    def _short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"{}")

    def _away(self) -> None:
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def _text(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    made.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(
    ("lie", "error"),
    [("/large", RemoteError), ("/short", Unreachable), ("/away", RemoteRefused), ("/text", RemoteError)],
)
def test_a_lying_server_gives_an_error_of_ours(
    server: ThreadingHTTPServer, lie: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LONGEST_REPLY", 1_000_000)
    server.lie = lie  # type: ignore[attr-defined]
    with pytest.raises(error):
        Jobs(f"http://127.0.0.1:{server.server_port}", Secret("t0ken")).jobs()
    assert Liar.seen[-1] == "/api/jobs/ Bearer t0ken"


def test_proxies_and_netrc_of_the_environment_are_left_alone(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.lie = "/text"  # type: ignore[attr-defined]
    with pytest.raises(RemoteError, match="isn't Ray's"):
        Jobs(f"http://127.0.0.1:{server.server_port}", Secret("t0ken")).version()
    assert Liar.seen[-1] == "/api/version Bearer t0ken"
