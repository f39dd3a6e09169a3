"""The commits of a branch as steps, each with the files it changed."""

from __future__ import annotations

from pathlib import Path

from config.errors import InputRefused
from pipeline.records import Record
from pipeline.source.git import git, git_text, is_repository


class Step(Record):
    """A commit and its first parent: what it changed, what it added, and when it was made (ISO 8601)."""

    parent: str
    commit: str
    made: str
    changed: tuple[str, ...]
    added: tuple[str, ...]


def steps(repository: Path, since: str, until: str, most: int) -> list[Step]:
    """Return the steps of the first-parent line up to `until`, newest first, at most `most` that change a file.

    `since` is a commit or tag, which is left out, or a date as git reads it (2024-01-31, "6 months ago").
    Raises InputRefused when it is neither or the folder is no repository.
    """
    if not is_repository(repository):
        raise InputRefused(f"{repository} is no git repository.", "Name one with --source.")
    until_id = _commit(repository, until)
    if until_id is None:
        raise InputRefused(f"{repository.name} has no commit {until}.", "Name a branch, tag or commit.")
    since_id = _commit(repository, since)
    span = [f"{since_id}..{until_id}"] if since_id else [f"--since={since}", until_id]
    told = git_text(repository, "log", "--first-parent", "--format=%H %P", *span, "--")
    lines = [line.split() for line in told.splitlines() if line.strip()]
    found: list[Step] = []
    for commit, parent in ((line[0], line[1]) for line in lines if len(line) > 1):
        step = _step(repository, parent, commit)
        if step.changed:
            found.append(step)
        if len(found) == most:
            break
    return found


def _commit(repository: Path, name: str) -> str | None:
    if name.startswith("-"):
        return None
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return git(repository, *words, check=False).decode().strip() or None


def _step(repository: Path, parent: str, commit: str) -> Step:
    told = git(repository, "diff-tree", "-r", "-z", "--no-renames", "--name-status", parent, commit)
    words = told.decode("utf-8", "surrogateescape").split("\0")
    pairs = list(zip(words[::2], words[1::2], strict=False))
    return Step(
        parent=parent,
        commit=commit,
        made=git_text(repository, "show", "-s", "--format=%cI", commit).strip(),
        changed=tuple(path for status, path in pairs if status == "M"),
        added=tuple(path for status, path in pairs if status == "A"),
    )
