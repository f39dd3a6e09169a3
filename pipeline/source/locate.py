"""The stage `locate`: for every finding with a place in the source, the code around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from config.settings import Source as SourceSettings
from pipeline.findings.redaction import load_key
from pipeline.records import Finding, PackageLocation, Record, UrlLocation
from pipeline.source.document import Document, open_document
from pipeline.source.excerpt import from_snippet, sketch
from pipeline.source.interface import Absence, SourceTree
from pipeline.source.manifest import find_manifest
from pipeline.source.paths import PathFinder
from pipeline.source.place import Place, place_of
from pipeline.source.redaction import Hidden, Hiding
from pipeline.source.revisions import NO_SOURCE, revisions
from pipeline.source.routes.interface import Route
from pipeline.source.routes.match import match_url
from pipeline.source.routes.table import routes_of
from pipeline.source.secret import is_secret, private_key_lines, secret_values
from pipeline.source.sketch import Sketch
from pipeline.stage import Context, Progress, Request, read_records, write_records

OWN_COMMIT = "commit_of_its_report"
NO_ROUTES = "no_routes_in_the_source"
NO_ROUTE = "no_route_answers_the_url"


class Located(Record):
    """What became of a finding: an excerpt to be redacted, or the reason why there is none."""

    sketch: Sketch | None = None
    reason: str | None = None
    hidden: Hidden | None = None
    flags: tuple[str, ...] = ()


class Locate:
    """Cuts excerpts of both snapshots' findings out of the source they were found in."""

    name = "locate"
    needs = ("parse",)

    def settings(self, settings: Settings, request: Request) -> Any:
        """Return the source settings and which source, by digest."""
        return {
            "source": msgspec.to_builtins(settings.source),
            "digests": [request.source_digest, request.earlier_source_digest],
            "commit": request.commit,
        }

    def run(self, context: Context) -> dict[str, Any]:
        """Write excerpts.jsonl and earlier-excerpts.jsonl; return counts by tier and by reason."""
        request, parsed = context.request, context.inputs["parse"]
        located = {"excerpts.jsonl": self._one(context, parsed / "findings.jsonl", request.source, request.commit)}
        if (parsed / "earlier.jsonl").exists():
            earlier = self._one(context, parsed / "earlier.jsonl", request.earlier_source, request.earlier_commit)
            located["earlier-excerpts.jsonl"] = earlier
        hidden = [one.hidden for group in located.values() for one in group if one.hidden is not None]
        hiding = Hiding(load_key(context.folder.parents[2]), hidden)
        for name, group in located.items():
            write_records(context.folder / name, (hiding.hide(one.sketch) for one in group if one.sketch))
        counts = _counts(located["excerpts.jsonl"])
        if "earlier-excerpts.jsonl" in located:
            counts["earlier"] = _counts(located["earlier-excerpts.jsonl"])
        return counts

    def _one(self, context: Context, path: Path, source: str | None, commit: str | None) -> list[Located]:
        findings, settings = list(read_records(path, Finding)), context.settings.source
        located: list[Located] = [Located()] * len(findings)
        for revision in revisions(findings, source, commit, settings, context.warn):
            locator = Locator(revision.tree, settings, revision.reason)
            found = locator.locate_all([findings[index] for index in revision.indices], context)
            for index, one in zip(revision.indices, found, strict=True):
                flags = (*one.flags, *((OWN_COMMIT,) if revision.is_own else ()))
                located[index] = msgspec.structs.replace(one, flags=flags)
        return located


class Locator:
    """Finds the places of findings in one tree; each file is read once."""

    def __init__(self, tree: SourceTree | None, settings: SourceSettings, reason: str = NO_SOURCE) -> None:
        self._tree = tree
        self._settings = settings
        self._reason = reason
        self._finder = PathFinder(tree) if tree is not None else None
        self._routes: list[Route] | None = None

    def locate_all(self, findings: list[Finding], context: Context | None = None) -> list[Located]:
        """Return what became of each finding, in their order; files are visited once, in order of path."""
        located: list[Located | None] = [None] * len(findings)
        for done, (index, result) in enumerate(self._by_file(findings)):
            located[index] = result
            if context is not None and done % 100 == 0:
                context.progress(Progress(stage="locate", message="excerpts", done=done, total=len(findings)))
        return [one for one in located if one is not None]

    def _by_file(self, findings: list[Finding]) -> Iterator[tuple[int, Located]]:
        places = [(index, finding, self._place(finding)) for index, finding in enumerate(findings)]
        opened: tuple[str, Document | Absence | str] | None = None
        for index, finding, place in sorted(places, key=lambda item: (_path(item[2]), item[0])):
            if isinstance(place, str):
                yield index, Located(reason=place)
                continue
            if opened is None or opened[0] != place.path:
                opened = (place.path, self._open(place.path))
            yield index, self._locate(finding, place, opened[1])

    def _place(self, finding: Finding) -> Place | str:
        place = place_of(finding)
        if self._tree is None or not isinstance(place, str):
            return place
        if isinstance(finding.location, UrlLocation):
            return self._handler(finding.location)
        if isinstance(finding.location, PackageLocation) and self._finder is not None:
            return find_manifest(self._tree, self._finder, finding.location) or place
        return place

    def _handler(self, location: UrlLocation) -> Place | str:
        """Return the place of the handler that answers a URL; the reason when none is found."""
        if self._routes is None:
            assert self._tree is not None  # noqa: S101
            self._routes = routes_of(self._tree)
        if not self._routes:
            return NO_ROUTES
        match = match_url(location.url, location.method, self._routes)
        if match is None:
            return NO_ROUTE
        return Place(path=match.route.path, start_line=match.route.line, confidence=match.confidence)

    def _open(self, path: str) -> Document | Absence | str:
        if self._tree is None or self._finder is None:
            return self._reason
        found = self._finder.find(path)
        return Absence.NO_FILE if found is None else open_document(self._tree, found)

    def _locate(self, finding: Finding, place: Place, document: Document | Absence | str) -> Located:
        if isinstance(document, str):
            return Located(sketch=from_snippet(finding, place), reason=str(document))
        hidden = _hidden(finding, place, document)
        result = sketch(finding, place, document, self._settings)
        if isinstance(result, str):
            return Located(reason=result, hidden=hidden, flags=document.flags)
        return Located(sketch=result, hidden=hidden, flags=document.flags)


def _hidden(finding: Finding, place: Place, document: Document) -> Hidden | None:
    """Return what must be hidden of a document: the finding's secret, and every private key."""
    values = private_key_lines(document)
    if is_secret(finding):
        values += secret_values(place, document)
    if not values:
        return None
    first = place.start_line or 1
    return Hidden(path=document.path, lines=(first, max(first, place.end_line or first)), values=values)


def _path(place: Place | str) -> str:
    return "" if isinstance(place, str) else place.path


def _counts(located: list[Located]) -> dict[str, Any]:
    cut_out = [one.sketch.excerpt for one in located if one.sketch is not None and one.reason is None]
    return {
        "findings": len(located),
        "excerpts": sum(one.sketch is not None for one in located),
        "from_the_report": sum(one.sketch is not None and one.reason is not None for one in located),
        "inferred": sum(excerpt.confidence < 1 for excerpt in cut_out),
        "tiers": dict(sorted(Counter(excerpt.tier.value for excerpt in cut_out).items())),
        "reasons": dict(sorted(Counter(one.reason for one in located if one.reason).items())),
        "files": dict(sorted(Counter(flag for one in located for flag in one.flags).items())),
    }
