"""The stage `collect`: which files the artifacts hold, and which of them are refused.

It writes an index, never a report: a scanner's report holds secrets in clear, and nothing may
touch disk before redaction. The stage `parse` goes through the same artifacts again, reads each
file where it lies (a packed one in a private folder, for that moment) and checks the digests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.settings import Settings
from pipeline.artifacts.extract import private_folder, walk
from pipeline.artifacts.folder import digest_artifacts
from pipeline.artifacts.interface import INDEX, REJECTED, IndexEntry, sorted_rejections
from pipeline.findings.normalise import Normaliser
from pipeline.findings.redaction import Redactor, load_key
from pipeline.records import Rejection
from pipeline.stage import Context, Progress, Request, write_records

__all__ = ["Collect", "digest_artifacts", "snapshots"]


class Collect:
    """Go through the artifacts of this snapshot and of the earlier one, and index their files."""

    name = "collect"
    needs: tuple[str, ...] = ()

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the limits and the artifacts' digests."""
        return {
            "artifacts": settings.artifacts,
            "current": request.artifacts_digest,
            "earlier": request.earlier_artifacts_digest,
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Write `index.jsonl` and `rejected.jsonl`; raise InputRefused when there are no artifacts."""
        found: list[IndexEntry] = []
        rejected: list[Rejection] = []
        for item in _items(context):
            if isinstance(item, Rejection):
                rejected.append(item)
            else:
                found.append(item)
                context.progress(Progress(stage=self.name, message=found[-1].place, done=len(found)))
        refused = sorted_rejections(rejected)
        index = sorted(set(found), key=lambda entry: (entry.snapshot, entry.artifact, entry.report))
        write_records(context.folder / INDEX, index)
        write_records(context.folder / REJECTED, refused)
        return {
            "artifacts": len({(entry.snapshot, entry.artifact) for entry in index}),
            "files": len(index),
            "bytes": sum(entry.bytes for entry in index),
            "rejected": len(refused),
        }


def snapshots(request: Request) -> Iterator[tuple[str, Path]]:
    """Yield the snapshots of a request, by name, with where their artifacts lie."""
    yield "current", Path(request.artifacts)
    if request.earlier_artifacts is not None:
        yield "earlier", Path(request.earlier_artifacts)


def _items(context: Context) -> Iterator[IndexEntry | Rejection]:
    """Yield the files and refusals of all snapshots; names are from outside too, and redacted."""
    redactor = Redactor(load_key(context.folder.parents[2]))
    redact, rejection = redactor.redact, Normaliser(redactor).rejection
    with private_folder(context.work) as scratch:
        for snapshot, root in snapshots(context.request):
            for item in walk(root, context.settings.artifacts, scratch, lambda _: False):
                if isinstance(item, Rejection):
                    yield rejection(item)
                else:
                    yield IndexEntry(
                        snapshot=snapshot, artifact=item.artifact, report=redact(item.report),
                        place=redact(item.place), sha256=item.sha256, bytes=item.size,
                    )  # fmt: skip
