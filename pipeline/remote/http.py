"""Requests to a remote worker's server: bounded in time and size, never redirected, nothing taken from netrc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec
import requests
from urllib3.exceptions import HTTPError as TransportError

from config.secret import Secret
from pipeline.remote.errors import RemoteError, Unreachable

CHUNK = 64 * 1024
LONGEST_REPLY = 32 * 1024 * 1024
REPLY_SECONDS = 120.0


class Reply(msgspec.Struct, frozen=True):
    """What a server answered, whole."""

    status: int
    body: bytes


class Exchange:
    """One server and one token. Raises Unreachable for what the network did, RemoteError for a reply too large."""

    def __init__(self, url: str, token: Secret, silence: float) -> None:
        self.url = url
        self._token = token
        self._silence = silence
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        data: IO[bytes] | bytes | None = None,
        parameters: Mapping[str, Any] | None = None,
        longest: int = 0,
    ) -> Reply:
        """Send a request below the server's address and return the whole reply; `body` is sent as JSON."""
        with self.opened(method, path, body, data, parameters) as response:
            return Reply(response.status_code, b"".join(self._parts(response, longest or LONGEST_REPLY)))

    @contextmanager
    def opened(
        self,
        method: str,
        path: str,
        body: Any = None,
        data: IO[bytes] | bytes | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Iterator[requests.Response]:
        """Give the answer with its body unread."""
        headers = {"Authorization": f"Bearer {self._token.reveal()}", "Accept-Encoding": "identity"}
        if body is not None:
            data = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        try:
            with self._session.request(
                method, self.url + path, data=data, params=parameters, headers=headers, stream=True,
                allow_redirects=False, timeout=self._silence,
            ) as response:  # fmt: skip
                yield response
        except (requests.RequestException, TransportError, OSError) as error:
            raise Unreachable(
                f"{urlsplit(self.url).netloc} can't be reached ({type(error).__name__}).",
                "Check the network and remote.address; what runs there goes on.",
            ) from error

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _parts(self, response: requests.Response, longest: int) -> Iterator[bytes]:
        deadline, size = time.monotonic() + REPLY_SECONDS, 0
        while part := response.raw.read1(CHUNK, decode_content=False):
            size += len(part)
            if size > longest:
                raise RemoteError("A remote reply is larger than a reply can be.", "Check remote.address.")
            if time.monotonic() > deadline:
                raise Unreachable(f"A remote reply took more than {REPLY_SECONDS:.0f} s.", "It is tried again.")
            yield part
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and size < int(announced):
            raise Unreachable("A remote reply broke off.", "It is tried again.")
