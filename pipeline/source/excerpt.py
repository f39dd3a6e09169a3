"""Sketching an excerpt of a document: the block the flagged lines live in, trimmed to fit."""

from __future__ import annotations

from config.settings import Source
from pipeline.records import Excerpt, Finding, Tier
from pipeline.source.blocks.outline import outline
from pipeline.source.choice import choose
from pipeline.source.document import Document, document_of
from pipeline.source.interface import Span
from pipeline.source.manifest import find_package
from pipeline.source.place import Place
from pipeline.source.sketch import MARGIN, Reach, Sketch, kept
from pipeline.source.window import clamp

PAST_END = "lines_past_the_end"
TOO_LONG = "too_many_flagged_lines"
EMPTY = "empty_file"
NOT_NAMED = "package_not_named_in_its_manifest"


def sketch(finding: Finding, place: Place, document: Document, settings: Source) -> Sketch | str:
    """Return the excerpt of a place in a document, to be redacted and cut, or the reason why there is none."""
    flagged = _flagged(place, document, settings)
    if isinstance(flagged, str):
        return flagged
    seen = outline(document, flagged)
    flow = {step.line for step in finding.flow if step.path in (place.path, document.path)}
    choice = choose(document.lines, flagged, seen, flow, settings)
    limit = settings.max_line_characters
    text, reaches = _text(document, choice.shown, place, limit)
    flags = (*document.flags, *(("shortened",) if reaches else ()))
    excerpt = Excerpt(
        fingerprint=finding.fingerprint,
        path=document.path,
        start_line=choice.shown[0],
        text=text,
        flagged=flagged,
        language=document.language,
        tier=seen.tier,
        header="".join(f"{document.lines[number - 1][: limit + MARGIN]}\n" for number in choice.header),
        confidence=place.confidence,
        flags=(*flags, *(("whole_file",) if place.start_line is None and place.package is None else ())),
    )
    return Sketch(excerpt=excerpt, limit=limit, reaches=reaches, names=choice.names, separator=seen.separator)


def from_snippet(finding: Finding, place: Place) -> Sketch | None:
    """Return an excerpt of what the report itself quotes; None when it quotes nothing."""
    if not finding.snippet or not finding.snippet.strip():
        return None
    document = document_of(place.path, finding.snippet.replace("\r\n", "\n"))
    start = place.start_line or 1
    last = start + len(document.lines) - 1
    excerpt = Excerpt(
        fingerprint=finding.fingerprint,
        path=place.path,
        start_line=start,
        text=document.text,
        flagged=(start, min(max(start, place.end_line or start), last)),
        language=document.language,
        tier=Tier.WINDOW,
        flags=("snippet",),
    )
    return Sketch(excerpt=excerpt, limit=len(document.text))


def _flagged(place: Place, document: Document, settings: Source) -> Span | str:
    total = len(document.lines)
    if total == 0:
        return EMPTY
    if place.start_line is None and place.package is not None:
        return find_package(document.lines, place.package) or NOT_NAMED
    if place.start_line is None:
        return 1, min(total, settings.max_lines)
    flagged = clamp(place.start_line, place.end_line, total)
    if flagged is None:
        return PAST_END
    return TOO_LONG if flagged[1] - flagged[0] >= settings.max_flagged_lines else flagged


def _text(document: Document, shown: Span, place: Place, limit: int) -> tuple[str, tuple[Reach, ...]]:
    """Return the lines shown; of those past the limit what is kept for redaction, a flagged one's round its columns."""
    lines = [
        kept(line, row, limit, place.start_column if shown[0] + row == place.start_line else None)
        for row, line in enumerate(document.lines[shown[0] - 1 : shown[1]])
    ]
    return "".join(f"{line}\n" for line, _ in lines), tuple(reach for _, reach in lines if reach is not None)
