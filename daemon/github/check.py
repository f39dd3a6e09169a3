"""Whether a token may see what watching a repository needs."""

from __future__ import annotations

import msgspec

from config.secret import Secret
from config.settings import Github
from daemon.clock import SystemClock
from daemon.github.answers import RepositoryAnswer, decode
from daemon.github.client import Client
from daemon.github.limits import Limits


class Access(msgspec.Struct, frozen=True):
    """What was found: the repository's number, name, branch, its runs there, and what is left of the quota."""

    id: int
    name: str
    branch: str
    runs: int | str
    quota: int | None


class RunsTotal(msgspec.Struct, frozen=True):
    """How many workflow runs there are; GitHub may say "2,500+"."""

    total_count: int | str


def access(settings: Github, token: Secret, repository: str, branch: str = "") -> Access:
    """Ask for the repository and its runs; raises the client's errors, which say what to do."""
    clock = SystemClock()
    client = Client(settings, token, clock, Limits(clock))
    try:
        found = decode(client.get(f"/repos/{repository}").body, RepositoryAnswer)
        chosen = branch or found.default_branch
        runs = client.get(f"/repos/{repository}/actions/runs", {"branch": chosen, "per_page": 1})
        return Access(
            found.id, found.full_name, chosen, decode(runs.body, RunsTotal).total_count, client.limits.remaining
        )
    finally:
        client.close()
