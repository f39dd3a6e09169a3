"""Cutting an excerpt out of a document: the block the flagged lines live in, trimmed to fit."""

from __future__ import annotations

from config.settings import Source
from pipeline.records import Excerpt, Finding, Tier
from pipeline.source.document import Document, document_of
from pipeline.source.interface import Span
from pipeline.source.place import Place
from pipeline.source.window import clamp, window

PAST_END = "lines_past_the_end"
TOO_LONG = "too_many_flagged_lines"
EMPTY = "empty_file"


def cut(finding: Finding, place: Place, document: Document, settings: Source) -> Excerpt | str:
    """Return the excerpt of a place in a document, or the reason why there is none."""
    flagged = _flagged(place, document, settings)
    if isinstance(flagged, str):
        return flagged
    shown = window(flagged, len(document.lines), settings.context_lines, settings.max_lines)
    return Excerpt(
        fingerprint=finding.fingerprint,
        path=document.path,
        start_line=shown[0],
        text=_text(document, shown),
        flagged=flagged,
        language=document.language,
        tier=Tier.WINDOW,
    )


def from_snippet(finding: Finding, place: Place) -> Excerpt | None:
    """Return an excerpt of what the report itself quotes; None when it quotes nothing."""
    if not finding.snippet or not finding.snippet.strip():
        return None
    document = document_of(place.path, finding.snippet.replace("\r\n", "\n"))
    start = place.start_line or 1
    last = start + len(document.lines) - 1
    return Excerpt(
        fingerprint=finding.fingerprint,
        path=place.path,
        start_line=start,
        text=_text(document, (1, len(document.lines))),
        flagged=(start, min(place.end_line or start, last)),
        language=document.language,
        tier=Tier.WINDOW,
    )


def _flagged(place: Place, document: Document, settings: Source) -> Span | str:
    total = len(document.lines)
    if total == 0:
        return EMPTY
    if place.start_line is None:
        return 1, min(total, settings.max_lines)
    flagged = clamp(place.start_line, place.end_line, total)
    if flagged is None:
        return PAST_END
    return TOO_LONG if flagged[1] - flagged[0] >= settings.max_flagged_lines else flagged


def _text(document: Document, shown: Span) -> str:
    return "".join(f"{line}\n" for line in document.lines[shown[0] - 1 : shown[1]])
