"""What a 404 means: GitHub says it of what was deleted and of what the token may not see alike."""

from __future__ import annotations

from daemon.errors import Forbidden, Missing
from daemon.github.answers import WorkflowRunAnswer, decode
from daemon.github.client import Client


def workflow_run(client: Client, repository: str, number: int) -> WorkflowRunAnswer | None:
    """Return a workflow run as GitHub shows it, None when it was deleted; raises as `check_visible`."""
    try:
        return decode(client.get(f"/repos/{repository}/actions/runs/{number}").body, WorkflowRunAnswer)
    except Missing:
        check_visible(client, repository)
        return None


def check_visible(client: Client, repository: str) -> None:
    """Raise Forbidden when the token doesn't show the repository: nothing in it can be called missing then."""
    try:
        client.get(f"/repos/{repository}")
    except Missing as error:
        raise Forbidden(error.message, f"{repository} is gone, or the token may not see it.") from error
