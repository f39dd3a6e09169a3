"""The errors of the service, below the shared tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.errors import Error, Postponed


class NoAccess(Error):
    """The system doesn't let the service at a folder it needs."""


@contextmanager
def on_disk(what: str) -> Iterator[None]:
    """Turn what the file system refuses in the block into an Error; `what` says what couldn't be done."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Error(f"{what}: {reason}.", "Check the folder's owner and the free space.") from error


class StoreError(Error):
    """The state database can't be used now: locked, full or damaged."""


class GithubError(Error):
    """GitHub couldn't be asked, or its answer can't be used; asking later may help."""


class TokenRefused(GithubError):
    """GitHub doesn't accept the token: a person has to give another."""


class Missing(GithubError):
    """What was asked for isn't there, or the token doesn't show it."""


class Forbidden(GithubError):
    """The token may not see this: a person has to give it the permission; asking later may help."""


class Gone(GithubError):
    """What was asked for existed and has expired (410)."""


class RateLimited(Postponed):
    """A limit was reached; `until` is the local time (seconds since 1970) at which to ask again."""

    def __init__(self, message: str, hint: str, until: float) -> None:
        super().__init__(message, hint)
        self.until = until


class BadDownload(GithubError):
    """What was downloaded isn't what was announced; only a few attempts are worth it."""


class Unmirrored(GithubError):
    """The clone of a repository couldn't be brought up to date; only a few attempts are worth it."""


class SourceRefused(GithubError):
    """Where a repository is cloned from doesn't give it to us: another attempt brings nothing."""


class StoreTooNew(StoreError):
    """A newer fixsmith wrote the database: only a person can help."""

    exit_code = 2


class StoreDamaged(StoreError):
    """The database's file holds what SQLite can't read; the next start puts a backup in its place."""


class StoreBusy(StoreError):
    """The database is held by another program or the disk is full; it passes."""


class ArtifactRefused(GithubError):
    """An artifact is too large or its provenance isn't confirmed: it is left out, the others go on."""
