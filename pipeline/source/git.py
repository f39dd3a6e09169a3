"""Calling git: without prompts, without the user's hooks, and without network unless asked for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pipeline.source.interface import SourceError

_NO_REPOSITORY = "fatal: not a git repository ("
"""What git says of a plain folder; of a broken link to a repository it goes on with `: PATH`."""

TIMEOUT = 600.0
"""Seconds one git command may take: cloning a large repository is the longest."""


def git(repository: Path, *arguments: str, stdin: bytes = b"", check: bool = True, network: bool = False) -> bytes:
    """Return what a git command prints; with `check`, failure is a SourceError naming git's own words."""
    try:
        done = subprocess.run(
            ["git", "-c", "log.showSignature=false", "-C", str(repository), *arguments],
            input=stdin,
            capture_output=True,
            env=git_environment(network),
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise SourceError("git isn't installed.", "Install git, or give --source a plain folder.") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"git {arguments[0]} took longer than {TIMEOUT:.0f} s.", "Try again.") from error
    if check and done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        fatal = [line for line in words if line.startswith("fatal: ")]
        raise SourceError(
            f"git {arguments[0]} failed in {repository.name}: {(fatal or words or ['no reason given'])[-1]}.",
            _hint(fatal),
        )
    return done.stdout


def _hint(fatal: list[str]) -> str:
    if any("dubious ownership" in line for line in fatal):
        return "The repository is another user's: run `git config --global --add safe.directory FOLDER`."
    return "Check that the source is a readable git repository."


def git_text(repository: Path, *arguments: str) -> str:
    """Return what a git command prints, as text."""
    return git(repository, *arguments).decode("utf-8", "replace")


def git_environment(network: bool) -> dict[str, str]:
    """Return the environment for git: no prompts, no locks, objects as they are, and no protocol unless `network`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    environment["GIT_NO_REPLACE_OBJECTS"] = "1"
    if not network:
        environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
    return environment


def is_repository(folder: Path) -> bool:
    """Tell whether `folder` is in a git working copy or is a bare repository.

    Raises SourceError when it is one that git refuses to read (another user's, a broken link):
    the folder as it lies there would be another state than the one asked for.
    """
    if not folder.is_dir():
        return False
    try:
        return bool(git(folder, "rev-parse", "--git-dir").strip())
    except SourceError as error:
        if _NO_REPOSITORY in str(error):
            return False
        raise
