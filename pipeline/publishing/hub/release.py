"""One release into one repository: one commit, one tag, however often it is tried and wherever it is cut off.

Nothing is repeated blindly. Every attempt first looks at what the Hub holds: the tag, the history,
the files. A reply that was lost, a crash and a conflict all look the same there, and end the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from config.errors import Error
from pipeline.publishing.hub import permission
from pipeline.publishing.hub.repository import Conflict, Repository, as_ours, is_same
from pipeline.publishing.hub.session import Deadline, Interrupted
from pipeline.publishing.interface import SIGNATURE, OutOfDate, Part, Published, Release, Unreachable, Withheld

T = TypeVar("T")
LONGEST_WAIT = 60.0
BEGAN = re.compile(r"^Began: (\S+)$", re.MULTILINE)
OTHER_BYTES = "released before with other bytes; those were kept"


class Patience:
    """How often, and after which waits, a repository is tried."""

    def __init__(self, attempts: int, first: float, deadline: Deadline, tell: Callable[[str, float], None]) -> None:
        self._left, self._wait, self._deadline, self._tell = attempts, first, deadline, tell

    def wait(self, error: Exception, asked: float | None) -> None:
        """Wait for the next attempt; raise Unreachable after the last one or past the deadline."""
        self._left -= 1
        said = str(error) or "somebody else is publishing there"
        hint = "Check the network; the same command later goes on where it stopped."
        if self._left <= 0:
            raise Unreachable(f"The Hub didn't answer as it should, last {said}.", hint) from error
        seconds = max(self._wait, asked or 0.0)
        if seconds >= self._deadline.left():
            raise Unreachable(f"The Hub asks to wait {seconds:.0f} s, longer than there is time.", hint) from error
        self._tell(said, seconds)
        time.sleep(seconds)
        self._wait = min(2 * self._wait, LONGEST_WAIT)


def check_all(api: Any, repositories: Sequence[Repository], public: Sequence[str], patience: Patience) -> None:
    """Before anything is sent anywhere: the token may write, and no repository is public that may not be."""

    def look() -> None:
        identity = permission.read(api.whoami())
        for repository in repositories:
            permission.check(identity, repository.name, repository.kind, there=True)
        for repository in repositories:
            there = check_visibility(repository, public=repository.name in public)
            permission.check(identity, repository.name, repository.kind, there=there)

    _insist(look, patience)


def publish(repository: Repository, part: Part, release: Release, *, public: bool, patience: Patience) -> Published:
    """Put a part into its repository and return where it is."""
    return _insist(lambda: _attempt(repository, part, release, public=public), patience)


def _insist(attempt: Callable[[], T], patience: Patience) -> T:
    """Try until it works or patience ends; what trying again can't help is raised at once."""
    while True:
        try:
            return attempt()
        except Error:
            raise
        except Exception as error:
            ours = as_ours(error)
            if not isinstance(ours, Interrupted | Conflict):
                raise ours from error
            patience.wait(ours, ours.wait if isinstance(ours, Interrupted) else None)


def check_visibility(repository: Repository, *, public: bool) -> bool:
    """Return whether the repository is there; raise Withheld when it is public and may not be."""
    found = repository.is_public()
    if found and not public:
        raise Withheld(
            f"{repository.name} is public, and nothing may be published there.",
            "Make it private, choose another hf_repo_prefix, or name it in publish.public.",
        )
    return found is not None


def _attempt(repository: Repository, part: Part, release: Release, *, public: bool) -> Published:
    if not check_visibility(repository, public=public):
        repository.create(public=public)
        check_visibility(repository, public=public)
    folder = Path(part.folder)
    tagged = repository.tag_of(release.run)
    commit = tagged or _committed(repository, release)
    already = commit is not None
    if commit is None:
        commit = _commit(repository, folder, release)
    same = is_same(folder, repository.files(commit), SIGNATURE)
    if not same and not already:
        raise Unreachable(f"{repository.name} holds other files than were sent.", "Look at it, then publish again.")
    if tagged is None:
        repository.tag(release.run, commit)
        if repository.tag_of(release.run) != commit:
            raise Conflict("the tag was set elsewhere")
    return Published(
        repository=repository.name, commit=commit, tag=release.run, url=repository.url,
        already=already, note="" if same else OTHER_BYTES,
    )  # fmt: skip


def title(release: Release) -> str:
    """Return the first line of a release's commit."""
    return f"Release {release.run}"


def _committed(repository: Repository, release: Release) -> str | None:
    """Return the commit of this release, None when there is none yet; raise OutOfDate when a newer one is there."""
    for commit in repository.history():
        if commit.title == title(release):
            return commit.oid
        began = BEGAN.search(commit.message)
        if commit.title.startswith("Release ") and began and began[1] > release.began:
            raise OutOfDate(
                f"{repository.name} already holds a newer release ({commit.title.removeprefix('Release ')}).",
                "Publish the newest run.",
            )
    return None


def _commit(repository: Repository, folder: Path, release: Release) -> str:
    """Commit on top of the head as it is now, and return the new head."""
    head = repository.history()[0].oid
    repository.commit(folder, repository.files(head), title(release), f"Began: {release.began}", head)
    newest = repository.history()[0]
    if newest.title != title(release):
        raise Conflict("somebody committed right after")
    return newest.oid
