"""The names under which the service keeps what it noted, so that `status` finds it again."""

from __future__ import annotations

from config.settings import Github, Settings, Watched

SETTINGS = "settings_problem"
REVIEW = "review"
"""The matter of a public release that a person has to look at."""


def place_of(github: Github, settings: Settings) -> str:
    """Return what tells one GitHub (address and token) from the others; empty for the settings' own."""
    if (github.base_url, github.token_file) == (settings.github.base_url, settings.github.token_file):
        return ""
    return f"{github.base_url} {github.token_file}".strip()


def github_problem(github: Github, settings: Settings) -> str:
    """Return the fact that holds why one GitHub can't be watched."""
    return f"github_problem:{place_of(github, settings)}".rstrip(":")


def access_problem(repository: str) -> str:
    """Return the matter of a token that doesn't reach all of a repository."""
    return f"access:{repository}"


def source_problem(repository: str) -> str:
    """Return the fact that holds why a repository's runs have no source."""
    return f"source_problem:{repository}"


def told(matter: str) -> str:
    """Return the fact that holds what a person was told of a matter."""
    return f"told:{matter}"


def workflow_matter(key: str) -> str:
    """Return the matter of a workflow run that can't be fetched, by its key."""
    return f"workflow-{key}"


def run_matter(run_id: int) -> str:
    """Return the matter of a run that needs a person."""
    return f"run-{run_id}"


def problems_of_githubs(settings: Settings) -> tuple[str, ...]:
    """Return the facts of every GitHub that is watched now, each once."""
    watched = [one for one in settings.github.repositories if not one.paused]
    return tuple(dict.fromkeys(github_problem(settings.github.of(one), settings) for one in watched))


def problems_of(watched: Watched) -> tuple[str, ...]:
    """Return the facts that hold what is wrong with one repository, besides looking at it."""
    return (told(access_problem(watched.name)), source_problem(watched.name))
