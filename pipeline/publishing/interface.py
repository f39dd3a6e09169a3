"""What a target of a release is: the records, the protocol, and the errors of publishing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from config.errors import Error, InputRefused, UsageError
from pipeline.records import Record
from pipeline.stage import FileDigest

SIGNATURE = "model.sig"
Kind = Literal["model", "dataset"]
Say = Callable[[str, int, int], None]
"""Progress: what is being done, bytes sent so far, bytes in all; of a wait no bytes."""


class Part(Record):
    """One repository of a release: its name (`owner/name-analysis`), its kind, and the folder with its files."""

    repository: str
    kind: Kind
    folder: str


class Release(Record):
    """What is published: the run it comes from, when that run began (ISO 8601, UTC), a part for each repository."""

    run: str
    began: str
    parts: tuple[Part, ...]


class Published(Record):
    """What became of a part: where it lies, as which commit. `already`: an earlier attempt had put it there."""

    repository: str
    commit: str
    tag: str
    url: str
    already: bool = False
    note: str = ""


class Target(Protocol):
    """Where releases go. Publishing the same release again, or after a crash anywhere, ends in one release."""

    def publish(self, release: Release, say: Say) -> tuple[Published, ...]:
        """Put every part in its place; raise Error when that can't be done now, Withheld when it may not."""
        ...


class Withheld(InputRefused):
    """Something must not leave this machine, so nothing did."""


class NotAllowed(UsageError):
    """The token isn't valid, or doesn't allow writing there."""


class OutOfDate(Error):
    """A newer release is already there; an older one doesn't replace it."""


class Unreachable(Error):
    """The target didn't answer as it should; the same command later goes on."""


def contents(folder: Path) -> dict[str, FileDigest]:
    """Return what is compared between a release here and there: every file but the signature, which is random."""
    from pipeline.stage import digest_folder

    return {name: digest for name, digest in digest_folder(folder).items() if name != SIGNATURE}
