"""How requests to the Hub are made: bounded in time, counted, and never repeated behind our back.

The client repeats failed requests by itself, and a commit that is repeated blindly can be made
twice. So whatever it would repeat is raised as Interrupted, which it lets through: `release.py`
looks at what the Hub holds before it tries again. The pieces of a large file alone are sent
again by the client itself: they are the same however often they arrive.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import huggingface_hub

from pipeline.publishing.interface import Unreachable

REPEATABLE = (408, 425, 429, 500, 502, 503, 504)
PIECE_ATTEMPTS = 3


class Interrupted(Exception):
    """A request got no usable answer; it may or may not have been carried out. `wait`: seconds the Hub asks for."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Deadline:
    """The end of the time an upload may take."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._end, self._seconds = clock, clock() + seconds, seconds

    def left(self) -> float:
        """Return the seconds left; raise Unreachable when there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise Unreachable(
                f"The upload took longer than {self._seconds:.0f} s.", "The same command goes on where it stopped."
            )
        return left


class Transport(httpx2.HTTPTransport):
    """A transport with a deadline; `sent` is called with the bytes of every piece of a body."""

    def __init__(self, deadline: Deadline, seconds: float, sent: Callable[[int], None], proxy: str | None) -> None:
        super().__init__(proxy=proxy)
        self._deadline, self._seconds, self._sent = deadline, seconds, sent
        self._failed: Counter[str] = Counter()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; raise Interrupted for what the client would repeat."""
        bound = min(self._seconds, self._deadline.left())
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), bound)
        request.stream = _Counted(request.stream, self._deadline, self._sent)
        what = f"{request.method} {request.url.path}"
        try:
            response = super().handle_request(request)
        except httpx2.TransportError as error:
            self._let_a_piece_be_sent_again(request)
            raise Interrupted(f"{what}: {type(error).__name__}") from error
        if response.status_code in REPEATABLE:
            wait = response.headers.get("retry-after", "")
            response.close()
            self._let_a_piece_be_sent_again(request)
            raise Interrupted(f"{what}: {response.status_code}", float(wait) if wait.isdigit() else None)
        response.stream = _Guarded(response.stream, self._deadline, what)
        return response

    def _let_a_piece_be_sent_again(self, request: httpx2.Request) -> None:
        """Raise what the client repeats a request for, a few times a piece: only pieces are PUT."""
        if request.method == "PUT":
            self._failed[str(request.url)] += 1
            if self._failed[str(request.url)] < PIECE_ATTEMPTS:
                raise httpx2.ReadError("the piece is sent again", request=request)


class _Counted(httpx2.SyncByteStream):
    def __init__(self, stream: Any, deadline: Deadline, sent: Callable[[int], None]) -> None:
        self._stream, self._deadline, self._sent = stream, deadline, sent

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._deadline.left()
            yield piece
            self._sent(len(piece))

    def close(self) -> None:
        self._stream.close() if hasattr(self._stream, "close") else None


class _Guarded(httpx2.SyncByteStream):
    """An answer's body: cut off it is Interrupted too."""

    def __init__(self, stream: Any, deadline: Deadline, what: str) -> None:
        self._stream, self._deadline, self._what = stream, deadline, what

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                self._deadline.left()
                yield piece
        except httpx2.TransportError as error:
            raise Interrupted(f"{self._what}: {type(error).__name__}") from error

    def close(self) -> None:
        self._stream.close()


def install(endpoint: str, deadline: Deadline, seconds: float, sent: Callable[[int], None]) -> None:
    """Make every request of `huggingface_hub` in this process a bounded one; a system's proxy is used."""
    address = urlsplit(endpoint)
    host = address.hostname or ""
    proxy = None if proxy_bypass(host) else getproxies().get(address.scheme)
    huggingface_hub.set_client_factory(
        lambda: httpx2.Client(transport=Transport(deadline, seconds, sent, proxy), follow_redirects=True)
    )
