"""Where a workflow run comes from, and whether it counts. Names prove nothing; numbers do."""

from __future__ import annotations

from config.settings import Watched
from daemon.github.answers import WorkflowRunAnswer


def refusal(run: WorkflowRunAnswer, watched: Watched, pinned: int) -> str | None:
    """Return why a finished workflow run doesn't count, None when all but its commit is in order."""
    head = run.head_repository
    checks = (
        (run.repository.id == pinned, f"it belongs to repository {run.repository.id}, not to {pinned}"),
        (head is not None and head.id == pinned, "its code comes from a fork"),
        (run.event in watched.events, f"its event is {run.event}"),
        (not watched.workflows or run.workflow in watched.workflows, f"its workflow is {run.workflow or 'unknown'}"),
        (run.head_branch == watched.branch, f"its branch is {run.head_branch}"),
        (run.conclusion in watched.conclusions, f"it ended in {run.conclusion}"),
    )
    return next((reason for is_right, reason in checks if not is_right), None)


def is_on_branch(status: str) -> bool:
    """Tell from a comparison of branch and commit whether the branch holds the commit."""
    return status in ("identical", "behind")
