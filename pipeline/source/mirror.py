"""A bare partial clone of a repository, kept up to date: history and names, file contents only when read.

The token, when one is needed, goes through git's credential helper in the environment given
by the caller, never in a URL or an argument.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from config.errors import UsageError
from pipeline.source.commit import GitTree
from pipeline.source.git import git, git_text
from pipeline.source.interface import SourceError


class Mirror:
    """The clone of `address` in `folder`; `update` brings in what is new, `tree` opens a commit."""

    def __init__(self, folder: Path, address: str) -> None:
        if address.startswith("-") or "@" in address.partition("://")[2].partition("/")[0]:
            raise UsageError(
                "The address of a repository mustn't hold a user or a password.", "Use a credential helper."
            )
        self.folder = folder
        self.address = address

    def update(self) -> None:
        """Clone on the first call, fetch all branches and tags afterwards; a broken clone is made anew."""
        if not (self.folder / "HEAD").exists():
            self._clone()
            return
        if git_text(self.folder, "config", "--get", "remote.origin.url").strip() != self.address:
            raise SourceError(f"{self.folder} is a clone of something else.", "Remove it, and it is made anew.")
        git(self.folder, "fetch", "--quiet", "--prune", "--tags", "--force", "origin", network=True)

    def tree(self, commit: str) -> GitTree:
        """Return the tree of a commit; what it lacks is fetched when it is read, at best with `prefetch`."""
        return GitTree(self.folder, commit, fetch=True)

    def _clone(self) -> None:
        temporary = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        git(temporary, "init", "--quiet", "--bare")
        for key, value in (
            ("remote.origin.url", self.address),
            ("remote.origin.fetch", "+refs/heads/*:refs/heads/*"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", "blob:none"),
        ):
            git(temporary, "config", key, value)
        git(temporary, "fetch", "--quiet", "--tags", "--filter=blob:none", "origin", network=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(self.folder)
