"""Fetching an artifact: the redirect by hand, without the token; whole, checked, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import zipfile
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import requests
from urllib3.exceptions import HTTPError as TransportError

from config.errors import Error
from daemon.clock import Clock
from daemon.errors import ArtifactRefused, BadDownload, GithubError
from daemon.github.client import (
    CHUNK,
    REDIRECTS,
    Client,
    arriving,
    opened,
    origin,
    quiet_session,
    resolved,
    transport_error,
)
from daemon.store.records import Artifact
from pipeline.stage import synchronise

ZIP_TYPES = ("application/zip", "application/x-zip-compressed", "zip")
LINK_ATTEMPTS = 3
HOPS = 3


class Bounds(msgspec.Struct, frozen=True):
    """What a download may cost: bytes, seconds of one attempt, and free bytes that must stay."""

    most_bytes: int
    seconds: float
    silence: float
    spare_bytes: int = 0


class Downloader:
    """Fetches artifacts into a folder. What has come of one is kept and resumed when its digest is known."""

    def __init__(self, client: Client, bounds: Bounds, clock: Clock) -> None:
        self.client = client
        self.bounds = bounds
        self.clock = clock
        self.session = quiet_session()

    def fetch(self, repository: str, artifact: Artifact, folder: Path) -> Path:
        """Return the downloaded file, its size and digest checked.

        Raises Gone when it has expired, BadDownload when what came isn't what GitHub
        announced, GithubError for everything that may pass, Error when the disk is full.
        """
        partial = folder / f"{artifact.id}.part"
        try:
            self._check_size(artifact, folder)
            if artifact.digest is None:
                partial.unlink(missing_ok=True)
            name = self._receive(repository, artifact, partial)
            check(partial, artifact)
            return _keep(partial, folder / f"{artifact.id}-{safe_name(artifact.name)}", name)
        except BadDownload:
            partial.unlink(missing_ok=True)
            raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Error("The disk is full.", "Free some space; the download goes on by itself.") from error
            raise Error(f"{folder} can't be written: {error.strerror}.", "Check the folder.") from error

    def close(self) -> None:
        """Close idle connections."""
        self.session.close()

    def _check_size(self, artifact: Artifact, folder: Path) -> None:
        if artifact.size > self.bounds.most_bytes:
            raise ArtifactRefused(
                f"Artifact {artifact.name} has {artifact.size} bytes, more than artifacts.max_total_bytes.",
                "Raise the limit if that is right.",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(folder).free < artifact.size + self.bounds.spare_bytes:
            raise Error("There isn't enough disk space for the download.", "Free some; it goes on by itself.")

    def _receive(self, repository: str, artifact: Artifact, partial: Path) -> str:
        """Bring the partial file up to its full length; return the name that storage gives it."""
        path = f"/repos/{repository}/actions/artifacts/{artifact.id}/zip"
        for _ in range(LINK_ATTEMPTS):
            start = partial.stat().st_size if partial.exists() else 0
            headers = {"Range": f"bytes={start}-"} if start else {}
            with self._opened(self.client.location(path), headers) as response:
                if response.status_code == 416:
                    partial.unlink(missing_ok=True)
                    continue
                if response.status_code not in (200, 206):
                    raise GithubError(f"The storage answered {response.status_code}.", "It is tried again.")
                self._write(response, artifact, partial, start)
                return given_name(response, artifact.name)
        raise GithubError("The storage refuses every part of the download.", "It is tried again.")

    def _opened(self, link: str, headers: dict[str, str]) -> requests.Response:
        """Return storage's answer, its body unread, after the few redirects that storage may send."""
        for _ in range(HOPS + 1):
            self._check_link(link)
            response = opened(self.session, link, headers, self.bounds.silence)
            if response.status_code not in REDIRECTS:
                return response
            response.close()
            link = resolved(link, response.headers.get("Location", ""))
        raise GithubError("The storage redirects in circles.", "It is tried again.")

    def _check_link(self, link: str) -> None:
        """Refuse a link that isn't as safe as the API's own address."""
        parts, (scheme, host, _) = urlsplit(link), origin(self.client.settings.base_url)
        if parts.scheme != "https" and (parts.scheme, parts.hostname, scheme) != ("http", host, "http"):
            raise GithubError("The download link isn't https; it isn't followed.", "Check github.base_url.")
        if parts.username or parts.password:
            raise GithubError("The download link carries a name or password.", "Check github.base_url.")

    def _write(self, response: requests.Response, artifact: Artifact, partial: Path, start: int) -> None:
        resumed = response.status_code == 206 and _starts_at(response) == start
        if response.status_code == 206 and not resumed:
            partial.unlink(missing_ok=True)
            raise GithubError("The storage resumed at another place.", "It is tried again.")
        size = start if resumed else 0
        deadline = self.clock.monotonic() + self.bounds.seconds
        with partial.open("ab" if resumed else "wb") as stream:
            try:
                for part in arriving(response):
                    stream.write(part)
                    size += len(part)
                    self._check_progress(artifact, size, deadline)
            except (requests.RequestException, TransportError) as error:
                raise transport_error(error, response.url) from error
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and size - (start if resumed else 0) < int(announced):
            raise GithubError(f"The download of {artifact.name} broke off.", "It goes on from there.")

    def _check_progress(self, artifact: Artifact, size: int, deadline: float) -> None:
        is_announced = artifact.digest is not None
        if size > self.bounds.most_bytes or (is_announced and size > max(artifact.size, 1) * 2 + CHUNK):
            raise BadDownload(f"Artifact {artifact.name} is larger than announced.", "It is refused.")
        if self.clock.monotonic() > deadline:
            raise GithubError(f"The download of {artifact.name} took too long.", "It goes on from there.")


def check(path: Path, artifact: Artifact) -> None:
    """Raise when the file isn't what GitHub announced: by digest, or by size where there is none.

    Without a digest a whole zip counts, too: an Enterprise server zips on demand what `upload-artifact` v3 stored, and
    announces the size of the files in it.
    """
    size = path.stat().st_size
    if artifact.digest is None:
        if size != artifact.size and not zipfile.is_zipfile(path):
            raise BadDownload(
                f"Artifact {artifact.name} has {size} bytes instead of {artifact.size}.", "It is tried again."
            )
        return
    algorithm, _, expected = artifact.digest.partition(":")
    if algorithm != "sha256":
        raise BadDownload(f"Artifact {artifact.name} has a digest of an unknown kind.", "Update fixsmith.")
    with path.open("rb") as stream:
        is_right = hashlib.file_digest(stream, "sha256").hexdigest() == expected.lower()
    if not is_right and size < artifact.size:
        raise GithubError(f"The download of {artifact.name} broke off.", "It goes on from there.")
    if not is_right:
        raise BadDownload(f"Artifact {artifact.name} isn't what GitHub announced (digest).", "It is tried again.")


def given_name(response: requests.Response, artifact_name: str) -> str:
    """Return a file name: the artifact's with `.zip`, or for a raw file the one storage gives."""
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind in ZIP_TYPES:
        return f"{safe_name(artifact_name)}.zip"
    header = Message()
    header["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    return safe_name(header.get_filename() or artifact_name)


def safe_name(name: str) -> str:
    """Return a name that is one plain path component."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    cleaned = re.sub(r"[^\w.+ -]", "_", last).strip(" .")
    return cleaned[:120] or "artifact"


def _keep(partial: Path, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    final = folder / name
    synchronise(partial)
    os.replace(partial, final)  # noqa: PTH105 -- the one call whose atomicity counts
    synchronise(folder)
    return final


def keep_only(files: list[Path], folder: Path) -> None:
    """Remove from a folder of downloads all but these: what was refused or broke off is no part of a run."""
    kept = {file.parent for file in files}
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_dir() and entry not in kept:
            shutil.rmtree(entry, ignore_errors=True)
        elif not entry.is_dir():
            entry.unlink(missing_ok=True)


def _starts_at(response: requests.Response) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None
