"""The commit a SARIF run says it read (`versionControlProvenance`): one commit, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.findings.running import parse, result, sarif

ONE, OTHER = "3f786850e387550fdab836ed7e6dc881de23001b", "89e6c98d92887913cadf06b2adb97f26cde4849b"


def commits(workspace: Path, *said: Any) -> list[str | None]:
    """Return the commits of the findings of a report with a run for each of `said`, in order of run."""
    document = json.loads(sarif([]))
    document["runs"] = [
        {
            **json.loads(sarif([result("R", f"src/{number}.py", 3)]))["runs"][0],
            **({} if provenance is None else {"versionControlProvenance": provenance}),
        }
        for number, provenance in enumerate(said)
    ]
    artifacts = workspace / "artifacts"
    artifacts.mkdir()
    (artifacts / "report.sarif").write_text(json.dumps(document))
    parsed = parse(workspace, artifacts)
    assert parsed.rejected() == []
    found = sorted(parsed.findings(), key=lambda finding: str(finding.location))
    assert len(found) == len(said)
    return [finding.commit for finding in found]


@pytest.mark.parametrize(
    "said",
    [
        [{"revisionId": ONE}],
        [{"repositoryUri": "https://example.org/a", "revisionId": ONE, "branch": "main"}],
        [{"revisionId": ONE.upper()}],
        [{"revisionId": ONE}, {"revisionId": ONE, "mappedTo": {"uriBaseId": "SRC"}}],
        [{"revisionId": ONE}, "not an object"],
    ],
)
def test_a_finding_carries_the_commit_its_run_names(tmp_path: Path, said: Any) -> None:
    assert commits(tmp_path, said) == [ONE]


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"revisionId": ONE},
        [{"revisionId": ONE}, {"revisionId": OTHER}],
        [{"revisionId": ONE}, {"repositoryUri": "https://example.org/b"}],
        [{"revisionId": "main"}],
        [{"revisionId": "--upload-pack=x"}],
        [{"revisionId": f"{ONE}\n"}],
        [{"revisionId": ONE[:6]}],
        [{"revisionId": 12345678}, {"revisionId": None}],
        [{"revisionId": [ONE]}],
        "text",
        7,
    ],
)
def test_what_is_no_commit_or_several_is_none(tmp_path: Path, said: Any) -> None:
    assert commits(tmp_path, said) == [None]


def test_each_run_of_a_report_has_its_own_commit(tmp_path: Path) -> None:
    assert commits(tmp_path, [{"revisionId": OTHER}], None, [{"revisionId": ONE}]) == [OTHER, None, ONE]
