"""How the stand-in writes down what it holds: the shapes of GitHub's own answers."""

from __future__ import annotations

from datetime import UTC, datetime

URLS = tuple(
    """archive assignees blobs branches collaborators comments commits compare contents contributors deployments
downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages
merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees""".split()  # noqa: SIM905
)


def stamp(moment):
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def owner(login):
    link = f"https://api.github.com/users/{login}"
    names = ("followers", "subscriptions", "organizations", "repos", "received_events")
    urls = {f"{name}_url": f"{link}/{name}" for name in (*names, "following", "gists", "starred", "events")}
    return {"login": login, "id": 1, "node_id": "U_1", "avatar_url": link, "gravatar_id": "", "url": link,
            "html_url": link, "type": "User", "site_admin": False, **urls}  # fmt: skip


def repository(state, name, number=None, full=False):
    known = state.repositories.get(name, {"id": number, "branch": "main"})
    link = f"{state.base_url}/repos/{name}"
    shown = {
        "id": number or known["id"], "node_id": "R_1", "name": name.split("/")[1], "full_name": name,
        "private": True, "owner": owner(name.split("/")[0]), "html_url": link, "description": None, "fork": False,
        "url": link, **{f"{part}_url": f"{link}/{part}" for part in URLS},
    }  # fmt: skip
    if full:
        shown |= {"default_branch": known["branch"]}
    return shown


def show_run(state, run):
    name, link = run["repository"], f"{state.base_url}/repos/{run['repository']}/actions/runs/{run['id']}"
    urls = {f"{part}_url": f"{link}/{part}" for part in
            ("jobs", "logs", "check_suite", "artifacts", "cancel", "rerun", "workflow")}  # fmt: skip
    head = run["head"]
    person = {"name": "A", "email": "a@example.org"}
    return {
        "id": run["id"], "name": "security", "node_id": "WFR_1", "head_branch": run["branch"], "head_sha": run["sha"],
        "path": run["path"], "run_number": run["id"], "run_attempt": run["attempt"], "event": run["event"],
        "display_title": "a change", "status": run["status"], "conclusion": run["conclusion"], "workflow_id": 7,
        "url": link, "html_url": link, "pull_requests": [], "created_at": stamp(run["created"]),
        "updated_at": stamp(run["updated"]), "run_started_at": stamp(run["created"]),
        "head_commit": {"id": run["sha"], "tree_id": run["sha"], "message": "a change",
                        "timestamp": stamp(run["created"]), "author": person, "committer": person},
        "repository": repository(state, name),
        "head_repository": None if head is None else repository(state, name, head), **urls,
    }  # fmt: skip


def show_artifact(state, name, artifact):
    link = f"{state.base_url}/repos/{name}/actions/artifacts/{artifact['id']}"
    run = state.runs[artifact["run"]]
    return {
        "id": artifact["id"], "node_id": "A_1", "name": artifact["name"], "size_in_bytes": artifact["size"],
        "url": link, "archive_download_url": f"{link}/zip", "expired": artifact["expired"],
        "digest": artifact["digest"], "created_at": stamp(run["created"]), "updated_at": stamp(run["created"]),
        "expires_at": stamp(run["created"] + 90 * 86400), "workflow_run": {"id": run["id"], "head_sha": run["sha"]},
    }  # fmt: skip
