"""Asking GitHub's API: one request at a time, conditional, bounded, with every failure made ours."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError as TransportError

from config.secret import Secret
from config.settings import Github
from daemon.clock import Clock
from daemon.errors import Forbidden, GithubError, Gone, Missing, TokenRefused
from daemon.github.limits import Limits, is_limit

MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_REDIRECTS = 3
CHUNK = 64 * 1024
MAX_PAGES = 100
REDIRECTS = (301, 302, 303, 307, 308)
Exchange = tuple[int, CaseInsensitiveDict[str], bytes]
"""An answer's status, headers and body."""


class Answer(msgspec.Struct, frozen=True):
    """What GitHub answered: `unchanged` for 304, else the body; `next` is the next page's address."""

    url: str
    unchanged: bool
    body: bytes
    etag: str | None
    next: str | None


class Client:
    """GitHub's API with one token. `requests_made` counts what went over the wire."""

    def __init__(self, settings: Github, token: Secret, clock: Clock, limits: Limits) -> None:
        self.settings = settings
        self.token = token
        self.clock = clock
        self.limits = limits
        self.requests_made = 0
        self.session = quiet_session()

    def get(self, path: str, parameters: Mapping[str, Any] | None = None, etag: str | None = None) -> Answer:
        """Ask for a path below the base address, or for a full address that GitHub gave.

        Raises RateLimited, TokenRefused, Missing, Forbidden, Gone, and GithubError for everything else.
        """
        url, (status, headers, body) = self._followed(self.url(path, parameters or {}), etag)
        if status in REDIRECTS:
            self._same_place(url, headers.get("Location", ""))
        self._check(status, headers, body, url)
        return Answer(url, status == 304, body, headers.get("ETag"), _next(headers, url, self))

    def pages(self, path: str, parameters: Mapping[str, Any]) -> Iterator[Answer]:
        """Yield an answer and those it says come next; raises as `get`, and GithubError where they have no end."""
        answer = self.get(path, parameters)
        yield answer
        for _ in range(MAX_PAGES):
            if answer.next is None:
                return
            answer = self.get(answer.next)
            yield answer
        raise GithubError("GitHub's list has no end.", "It is tried again.")

    def location(self, path: str) -> str:
        """Return the address a download redirects to; the token has no business there.

        A redirect within the API, as of a renamed repository, is followed with the token.
        """
        url, (status, headers, body) = self._followed(self.address(path), None)
        if status not in REDIRECTS:
            self._check(status, headers, body, url)
            raise GithubError(f"GitHub answered {status} where a download link was expected.", "It is tried again.")
        return resolved(url, headers.get("Location", ""))

    def url(self, path: str, parameters: Mapping[str, Any]) -> str:
        """Return the full address with its query: what an ETag belongs to."""
        return requests.Request("GET", self.address(path), params=dict(parameters)).prepare().url or ""

    def address(self, path: str) -> str:
        """Return the full address of a path; a full address must be the API's own."""
        if "://" in path:
            return self._same_place(self.settings.base_url, path)
        return self.settings.base_url.rstrip("/") + path

    def close(self) -> None:
        """Close idle connections; the next request opens a new one."""
        self.session.close()

    def _followed(self, url: str, etag: str | None) -> tuple[str, Exchange]:
        """Ask, going along with redirects within the API; return the last address and what it answered."""
        for _ in range(MAX_REDIRECTS + 1):
            status, headers, body = self._exchange(url, etag)
            target = resolved(url, headers.get("Location", "")) if status in REDIRECTS else None
            if target is None or not self._is_api(target):
                return url, (status, headers, body)
            url = target
        raise GithubError("GitHub redirects in circles.", "Check github.base_url.")

    def _is_api(self, url: str) -> bool:
        """Tell whether an address is below the API's own; an Enterprise server keeps files on the same host."""
        base = urlsplit(self.settings.base_url).path.rstrip("/")
        below = urlsplit(url).path.startswith(f"{base}/")
        return below and origin(url) == origin(self.settings.base_url)

    def _exchange(self, url: str, etag: str | None) -> Exchange:
        self.limits.check()
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token.reveal()}",
            "X-GitHub-Api-Version": self.settings.api_version,
            "User-Agent": "fixsmith",
        }
        if etag:
            headers["If-None-Match"] = etag
        self.requests_made += 1
        with opened(self.session, url, headers, self.settings.request_seconds) as response:
            self.limits.observe(response.headers)
            body = read_all(response, self.clock, self.settings.answer_seconds)
            return response.status_code, response.headers, body

    def _check(self, status: int, headers: Mapping[str, str], body: bytes, url: str) -> None:
        if status in (200, 304):
            self.limits.accepted()
            return
        what = f"GitHub answered {status} to {urlsplit(url).path}: {_message(body)}"
        if status == 401:
            raise TokenRefused(f"GitHub doesn't accept the token ({_message(body)}).", "Give a valid one.")
        if status in (403, 429) and is_limit(status, headers, body):
            raise self.limits.refused(headers)
        if status == 403:
            raise Forbidden(what, "The token needs read access to Actions and contents of this repository.")
        if status == 404:
            raise Missing(what, "Check the repository's name and what the token may read.")
        if status == 410:
            raise Gone(what, "It has expired.")
        raise GithubError(what, "It is tried again.")

    def _same_place(self, base: str, location: str) -> str:
        target = resolved(base, location)
        if origin(target) != origin(self.settings.base_url):
            raise GithubError("GitHub's API redirects to another host; that isn't followed.", "Check github.base_url.")
        return target


class StraightSession(requests.Session):
    """A session that leaves redirects to us: its own would read all of their bodies first, however long they take."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return None: no answer is a redirect."""
        return None


def quiet_session() -> requests.Session:
    """Return a session that takes nothing from the environment: no netrc, no proxy it isn't told of."""
    session = StraightSession()
    session.trust_env = False
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    return session


def opened(session: requests.Session, url: str, headers: Mapping[str, str], silence: float) -> requests.Response:
    """Send a request and return the answer with its body unread; transport errors become GithubError."""
    try:
        return session.get(
            url,
            headers={"Accept-Encoding": "identity", **headers},
            allow_redirects=False,
            stream=True,
            timeout=silence,
            proxies=dict(get_environ_proxies(url, no_proxy=None)),
        )
    except (requests.RequestException, OSError, ValueError) as error:
        raise transport_error(error, url) from error


def read_all(response: requests.Response, clock: Clock, seconds: float) -> bytes:
    """Return the body, within a total time and size; a body shorter than announced is an error."""
    deadline = clock.monotonic() + seconds
    parts: list[bytes] = []
    size = 0
    try:
        for part in arriving(response):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise GithubError("GitHub's answer is larger than an answer can be.", "It is tried again.")
            if clock.monotonic() > deadline:
                raise GithubError(f"GitHub's answer took more than {seconds:.0f} s.", "It is tried again.")
    except (requests.RequestException, TransportError, OSError) as error:
        raise transport_error(error, response.url) from error
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and response.status_code != 304 and size < int(announced):
        raise GithubError("GitHub's answer broke off.", "It is tried again.")
    return b"".join(parts)


def arriving(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it arrives. Waiting for whole blocks would let a dripping server outlast every deadline."""
    while part := response.raw.read1(CHUNK, decode_content=False):
        yield part


def transport_error(error: Exception, url: str) -> GithubError:
    """Say in one sentence what went wrong on the way, without the address's query."""
    return GithubError(
        f"{urlsplit(url).hostname} can't be reached ({type(error).__name__}).", "Check the network; it is tried again."
    )


def resolved(base: str, location: str) -> str:
    """Return where a location leads from an address; raises GithubError for one that is no address."""
    try:
        target = urljoin(base, location)
        origin(target)
    except ValueError as error:
        raise GithubError("GitHub's answer names an address that is none.", "It is tried again.") from error
    return target


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port: what a token belongs to."""
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme))


def _next(headers: Mapping[str, str], url: str, client: Client) -> str | None:
    for link in requests.utils.parse_header_links(headers.get("Link", "")):
        if link.get("rel") == "next":
            return client.address(resolved(url, link["url"]))
    return None


def _message(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body)
        return " ".join(str(found.get("message", "no message")).split())[:200]
    except (msgspec.DecodeError, AttributeError, UnicodeDecodeError, RecursionError):
        return "no message"
