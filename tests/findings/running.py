"""Running collect and parse on reports built in a test."""

import json
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from pipeline.artifacts.collect import Collect, digest_artifacts
from pipeline.findings.parse import Parse
from pipeline.records import Finding, Rejection
from pipeline.stage import Manifest, Request, RunFolder, read_records


class Parsed(msgspec.Struct):
    """What a run wrote."""

    folder: Path
    manifest: Manifest

    def findings(self, name: str = "findings.jsonl") -> list[Finding]:
        """Return the findings."""
        return list(read_records(self.folder / "parse" / name, Finding))

    def rejected(self, name: str = "rejected.jsonl") -> list[Rejection]:
        """Return the rejections."""
        return list(read_records(self.folder / "parse" / name, Rejection))

    def content(self, name: str = "findings.jsonl") -> bytes:
        """Return a file's bytes."""
        return (self.folder / "parse" / name).read_bytes()


def parse(workspace: Path, artifacts: Path, earlier: Path | None = None, run: str = "run") -> Parsed:
    """Run both stages; artifacts and workspace are folders of the test."""
    request = Request(
        artifacts=str(artifacts),
        artifacts_digest=digest_artifacts(artifacts),
        earlier_artifacts=str(earlier) if earlier else None,
        earlier_artifacts_digest=digest_artifacts(earlier) if earlier else None,
    )
    folder = RunFolder(workspace / "runs" / run, "code")
    folder.execute(Collect(), Settings(), request, lambda _: None)
    return Parsed(folder.path, folder.execute(Parse(), Settings(), request, lambda _: None))


def sarif(results: list[dict[str, Any]], tool: str = "Acme", rules: list[dict[str, Any]] | None = None) -> bytes:
    """Return a SARIF document of one run."""
    driver = {"name": tool, "rules": rules or []}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}).encode()


def result(
    rule: str, path: str, line: int, snippet: str | None = None, message: str = "Bad.", **more: Any
) -> dict[str, Any]:
    """Return one SARIF result."""
    region: dict[str, Any] = {"startLine": line}
    if snippet is not None:
        region["snippet"] = {"text": snippet}
    place = {"physicalLocation": {"artifactLocation": {"uri": path}, "region": region}}
    return {"ruleId": rule, "message": {"text": message}, "locations": [place], **more}
