"""Cutting an excerpt out of a document: the block the flagged lines live in, trimmed to fit."""

from __future__ import annotations

from config.settings import Source
from pipeline.records import Excerpt, Finding, Tier
from pipeline.source.blocks.outline import outline
from pipeline.source.choice import choose
from pipeline.source.document import Document, document_of
from pipeline.source.interface import Span
from pipeline.source.manifest import find_package
from pipeline.source.place import Place
from pipeline.source.window import clamp

PAST_END = "lines_past_the_end"
TOO_LONG = "too_many_flagged_lines"
EMPTY = "empty_file"
NOT_NAMED = "package_not_named_in_its_manifest"
CUT = " … "


def cut(finding: Finding, place: Place, document: Document, settings: Source) -> Excerpt | str:
    """Return the excerpt of a place in a document, or the reason why there is none."""
    flagged = _flagged(place, document, settings)
    if isinstance(flagged, str):
        return flagged
    seen = outline(document, flagged)
    flow = {step.line for step in finding.flow if step.path in (place.path, document.path)}
    choice = choose(document.lines, flagged, seen, flow, settings)
    text, shortened = _text(document, choice.shown, place, settings.max_line_characters)
    flags = (*document.flags, *(("shortened",) if shortened else ()))
    return Excerpt(
        fingerprint=finding.fingerprint,
        path=document.path,
        start_line=choice.shown[0],
        text=text,
        flagged=flagged,
        language=document.language,
        tier=seen.tier,
        symbol=choice.symbol,
        header="".join(f"{document.lines[number - 1][: settings.max_line_characters]}\n" for number in choice.header),
        confidence=place.confidence,
        flags=(*flags, *(("whole_file",) if place.start_line is None and place.package is None else ())),
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
        text=document.text,
        flagged=(start, min(max(start, place.end_line or start), last)),
        language=document.language,
        tier=Tier.WINDOW,
        flags=("snippet",),
    )


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


def _text(document: Document, shown: Span, place: Place, limit: int) -> tuple[str, bool]:
    """Return the lines shown; those past the limit are cut, a flagged one round its columns."""
    lines = document.lines[shown[0] - 1 : shown[1]]
    if all(len(line) <= limit for line in lines):
        return "".join(f"{line}\n" for line in lines), False
    return "".join(
        f"{_cut_line(line, limit, place.start_column if number == place.start_line else None)}\n"
        for number, line in enumerate(lines, shown[0])
    ), True


def _cut_line(line: str, limit: int, column: int | None) -> str:
    if len(line) <= limit:
        return line
    start = max(0, min((column or 1) - 1 - limit // 2, len(line) - limit))
    head, tail = CUT if start else "", CUT if start + limit < len(line) else ""
    return head + line[start : start + limit] + tail
