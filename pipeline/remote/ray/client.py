"""Ray's Jobs REST API, without Ray: upload, submit, look, read, stop. Repeating any of it does no harm."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from config.secret import Secret
from pipeline.remote.errors import Gone, RemoteError, RemoteRefused, Unreachable
from pipeline.remote.http import Exchange, Reply

LARGEST_PACKAGE = 100 * 1000 * 1000
LONGEST_LOG = 16 * 1024 * 1024
ENDED = ("STOPPED", "SUCCEEDED", "FAILED")
T = TypeVar("T")
_SAID = 300


class Version(msgspec.Struct, frozen=True):
    """What runs over there."""

    ray_version: str
    version: str = ""


class Job(msgspec.Struct, frozen=True):
    """A submitted job as Ray sees it: advisory, for it is lost with the head. Times are milliseconds since 1970."""

    status: str
    submission_id: str | None = None
    message: str | None = None
    driver_exit_code: int | None = None
    start_time: int | None = None
    end_time: int | None = None
    metadata: dict[str, str] | None = None

    @property
    def ended(self) -> bool:
        """Tell whether it can't change any more."""
        return self.status in ENDED


class Jobs:
    """The Jobs API of one cluster. `url` must have passed `address.checked`."""

    def __init__(self, url: str, token: Secret, silence: float = 30.0) -> None:
        self._exchange = Exchange(url, token, silence)

    def version(self) -> Version:
        """Return Ray's version; the cheapest question there is. Raises Unreachable, RemoteRefused."""
        return self._decoded(self._asked("GET", "/api/version"), Version)

    def check_guarded(self) -> None:
        """Raise RemoteRefused when the cluster takes requests without our token: anyone there could run code."""
        open_to_all = Exchange(self._exchange.url, Secret("none"), 30.0)
        try:
            if open_to_all.ask("GET", "/api/version").status == 200:
                raise RemoteRefused(
                    "The Ray cluster accepts requests without a token.",
                    "Start it with RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH; `fixsmith worker up` does.",
                )
        finally:
            open_to_all.close()

    def upload(self, package: Path) -> str:
        """Upload a zip under its digest unless it is there already; return the URI a job names it by."""
        content = package.read_bytes()
        if len(content) > LARGEST_PACKAGE:
            raise RemoteRefused(
                f"{package.name} has {len(content) / 1e6:.0f} MB; Ray takes packages up to 100 MB.",
                "Put large things into remote.storage.",
            )
        name = f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:32]}.zip"
        there = self._exchange.ask("GET", f"/api/packages/gcs/{name}")
        if there.status == 404:
            self._asked("PUT", f"/api/packages/gcs/{name}", data=content)
        else:
            _check(there, "GET")
        return f"gcs://{name}"

    def submit(
        self, name: str, entrypoint: str, packages: dict[str, Any], metadata: dict[str, str], **resources: float
    ) -> Job:
        """Submit a job under the id `name`; one that is there already is returned as it is.

        Ray answers 500 to an id it knows, and may have taken a job whose answer was lost.
        """
        body = {
            "submission_id": name,
            "entrypoint": entrypoint,
            "runtime_env": packages,
            "metadata": metadata,
            **resources,
        }
        try:
            reply = self._exchange.ask("POST", "/api/jobs/", body)
        except Unreachable:
            if (job := self._found(name)) is None:
                raise
            return job
        if reply.status != 200 and (job := self._found(name)) is not None:
            return job
        _check(reply, "POST")
        return self.job(name)

    def job(self, name: str) -> Job:
        """Return a job; raise Gone when the cluster doesn't know it (its head was started anew, say)."""
        return self._decoded(self._asked("GET", f"/api/jobs/{name}"), Job)

    def find(self, name: str) -> Job | None:
        """Return a job, or None when the cluster doesn't know it."""
        try:
            return self.job(name)
        except Gone:
            return None

    def jobs(self) -> list[Job]:
        """Return all jobs the cluster knows."""
        return self._decoded(self._asked("GET", "/api/jobs/"), list[Job])

    def log(self, name: str) -> str:
        """Return what the driver has written so far, its end if that is longer than 16 MB... raises Gone."""
        reply = self._asked("GET", f"/api/jobs/{name}/logs", longest=2 * LONGEST_LOG)
        logs = self._decoded(reply, dict[str, Any]).get("logs")
        return str(logs or "")[-LONGEST_LOG:]

    def stop(self, name: str) -> None:
        """End a job: SIGTERM, three seconds later SIGKILL. One that ended, or isn't known, is no error."""
        reply = self._exchange.ask("POST", f"/api/jobs/{name}/stop")
        if reply.status != 404:
            _check(reply, "POST")

    def close(self) -> None:
        """Close idle connections."""
        self._exchange.close()

    def _found(self, name: str) -> Job | None:
        try:
            return self.find(name)
        except Unreachable:
            return None

    def _asked(self, method: str, path: str, **request: Any) -> Reply:
        reply = self._exchange.ask(method, path, **request)
        _check(reply, method)
        return reply

    @staticmethod
    def _decoded(reply: Reply, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(reply.body, type=kind)
        except msgspec.MsgspecError as error:
            raise RemoteError(
                f"What answers isn't Ray's Jobs API ({error}).", "Check that remote.address is the dashboard's."
            ) from error


def _check(reply: Reply, method: str) -> None:
    if reply.status == 200:
        return
    said = _last_line(reply.body)
    if reply.status in (401, 403):
        raise RemoteRefused(f"The Ray cluster doesn't accept the token ({said}).", "Correct remote.token_file.")
    if reply.status == 404:
        raise Gone(f"The Ray cluster doesn't know it ({said}).", "Submit it again.")
    if reply.status in (502, 503, 504, 429) or (reply.status >= 500 and method == "GET"):
        raise Unreachable(f"The Ray cluster isn't ready ({reply.status}: {said}).", "It is tried again.")
    if 300 <= reply.status < 400:
        raise RemoteRefused("The Ray cluster redirects elsewhere; that isn't followed.", "Correct remote.address.")
    raise RemoteError(f"The Ray cluster answered {reply.status} to {method}: {said}", "`fixsmith worker check`")


def _last_line(body: bytes) -> str:
    """Return the last line of a traceback: what went wrong, without control characters."""
    lines = body[-20_000:].decode("utf-8", "replace").strip().splitlines() or ["no message"]
    return re.sub(r"[^\x20-\x7e\u00a0-\uffff]", "", lines[-1])[:_SAID]
