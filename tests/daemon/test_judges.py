"""Others judge the stand-in that the service is tested against: GitHub's own description, and PyGithub.

Both are optional: PyGithub where it is installed, the description where FIXSMITH_TEST_OPENAPI names
`generated/api.github.com.json` of the npm package @octokit/openapi (and `jsonschema` is installed).
"""

import json
import os
from pathlib import Path

import pytest
import requests

from tests.daemon.conftest import REPOSITORY, zipped
from tests.daemon.stand_in import TOKEN, StandIn

OPENAPI = os.environ.get("FIXSMITH_TEST_OPENAPI", "")
REPORT = zipped({"report.sarif": "{}"})


@pytest.fixture
def stand_in():
    with StandIn() as github:
        github.repository(REPOSITORY)
        github.run(REPOSITORY, artifacts={"scan": REPORT})
        github.run(REPOSITORY, fork=666, event="pull_request")
        github.run(REPOSITORY, status="in_progress")
        yield github


def nullable(node):
    """Turn OpenAPI's `nullable` into JSON Schema, and drop a date format that GitHub itself breaks."""
    if isinstance(node, list):
        return [nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: nullable(value) for key, value in node.items() if not (key == "format" and value == "date-time")}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


@pytest.mark.skipif(not OPENAPI, reason="FIXSMITH_TEST_OPENAPI names no description of GitHub's API")
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/repos/{repository}/actions/runs?branch=main", "/repos/{owner}/{repo}/actions/runs"),
        ("/repos/{repository}/actions/runs/{run}", "/repos/{owner}/{repo}/actions/runs/{run_id}"),
        ("/repos/{repository}/actions/runs/{run}/artifacts", "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts"),
    ],
)
def test_the_stand_in_answers_as_githubs_description_says(stand_in, path, route):
    jsonschema = pytest.importorskip("jsonschema")
    described = json.loads(Path(OPENAPI).read_text(encoding="utf-8"))
    schema = described["paths"][route]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = nullable({**schema, "components": {"schemas": described["components"]["schemas"]}})
    address = stand_in.base_url + path.format(repository=REPOSITORY, run=next(iter(stand_in.runs)))
    answer = requests.get(address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
    found = list(jsonschema.Draft7Validator(whole).iter_errors(answer.json()))
    assert [f"{list(error.absolute_path)}: {error.message}"[:300] for error in found] == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pygithub_sees_in_the_stand_in_what_it_holds(stand_in):
    github = pytest.importorskip("github")
    client = github.Github(auth=github.Auth.Token(TOKEN), base_url=stand_in.base_url, seconds_between_requests=0)
    repository = client.get_repo(REPOSITORY)
    runs = list(repository.get_workflow_runs(branch="main"))
    assert [run.id for run in runs] == sorted(stand_in.runs, reverse=True)
    assert {run.event for run in runs} == {"push", "pull_request"}
    [artifact] = runs[-1].get_artifacts()
    assert (artifact.name, artifact.size_in_bytes, artifact.expired) == ("scan", len(REPORT), False)
    assert runs[1].head_repository.id == 666
    client.close()


def test_pygithub_turns_the_pages_of_the_stand_in(stand_in):
    github = pytest.importorskip("github")
    for number in range(70):
        stand_in.run(REPOSITORY, created=1_700_000_000 + number)
    client = github.Github(auth=github.Auth.Token(TOKEN), base_url=stand_in.base_url, seconds_between_requests=0)
    assert len(list(client.get_repo(REPOSITORY).get_workflow_runs(branch="main"))) == 73
    client.close()
