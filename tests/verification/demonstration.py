"""The demonstration's snapshots and findings, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from config.settings import Settings
from pipeline.artifacts.collect import Collect
from pipeline.findings.parse import Parse
from pipeline.fixes.interface import Snapshot
from pipeline.records import Finding
from pipeline.source.tree import open_tree
from pipeline.stage import Request, RunFolder, read_records

DEMO = Path(__file__).resolve().parents[1] / "demo"
RULES = DEMO / "rules"


@dataclass(frozen=True)
class Demonstration:
    """Both snapshots, the findings of the second and those of the first."""

    first: Snapshot
    second: Snapshot
    current: tuple[Finding, ...]
    earlier: tuple[Finding, ...]


def request() -> Request:
    return Request(
        artifacts=str(DEMO / "artifacts/second"),
        artifacts_digest="second",
        source=str(DEMO / "app/second"),
        source_digest="second",
        earlier_artifacts=str(DEMO / "artifacts/first"),
        earlier_artifacts_digest="first",
        earlier_source=str(DEMO / "app/first"),
        earlier_source_digest="first",
    )


@lru_cache(maxsize=1)
def demonstration() -> Demonstration:
    folder = RunFolder(Path(mkdtemp(prefix="fixsmith-demonstration-")) / "runs" / "demonstration", "test")
    for stage in (Collect(), Parse()):
        folder.execute(stage, Settings(), request(), lambda progress: None)
    parsed = folder.folder("parse")
    return Demonstration(
        first=Snapshot(open_tree(str(DEMO / "app/first"))),
        second=Snapshot(open_tree(str(DEMO / "app/second"))),
        current=tuple(read_records(parsed / "findings.jsonl", Finding)),
        earlier=tuple(read_records(parsed / "earlier.jsonl", Finding)),
    )
