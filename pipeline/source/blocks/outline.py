"""The outline of a document at some lines: parsed, mended where a grammar stumbles, in three tiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.records import Tier
from pipeline.source.blocks.code import code_blocks, import_lines
from pipeline.source.blocks.dockerfile import dockerfile_blocks
from pipeline.source.blocks.entries import entry_blocks, is_line_manifest
from pipeline.source.blocks.interface import NOTHING, Block, Outline
from pipeline.source.blocks.nested import LANGUAGES as NESTED
from pipeline.source.blocks.nested import nested_blocks
from pipeline.source.blocks.parsing import MAX_ERROR_SHARE, chain, error_share, parse
from pipeline.source.blocks.repair import repairs
from pipeline.source.document import Document
from pipeline.source.interface import Span

if TYPE_CHECKING:
    from tree_sitter import Node

_PAGES = frozenset({"html", "vue", "svelte"})
_PROSE = frozenset({"text", "markdown"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parse of a document: in which language, of which bytes, and the share of it in errors."""

    language: str
    source: bytes
    root: Node
    errors: float


def outline(document: Document, flagged: Span) -> Outline:
    """Return the blocks around the flagged lines, as well as the document can be read."""
    if is_line_manifest(document.path):
        return Outline(tier=Tier.PARSED, blocks=tuple(entry_blocks(document.path, document.lines, flagged)))
    if document.language in _PROSE:
        return NOTHING
    parsed = _parsed(document, flagged)
    if parsed is None:
        return NOTHING
    blocks = _blocks(document, parsed, flagged)
    if parsed.errors > MAX_ERROR_SHARE and not blocks:
        return NOTHING
    nested = parsed.language in NESTED
    return Outline(
        tier=Tier.PARTIAL if parsed.root.has_error or parsed.source != _bytes(document) else Tier.PARSED,
        blocks=tuple(blocks),
        imports=() if nested else tuple(_imports(document, parsed)),
        separator=" / " if nested or parsed.language == "dockerfile" else ".",
    )


def _parsed(document: Document, flagged: Span) -> Parsed | None:
    """Return the best parse: as it is when that has no error, else with the least of it in errors."""
    plain = _parse(document, document.language, _bytes(document), "plain")
    if plain is not None and not plain.root.has_error and document.language not in _PAGES:
        return plain
    best = plain
    for number, (language, text) in enumerate(repairs(document.language, document.text, flagged)):
        mended = _parse(document, language, text.encode("utf-8", "surrogateescape"), f"mended {number}")
        if mended is None:
            continue
        if best is None or language != document.language or mended.errors < best.errors:
            best = _better(best, mended, language)
    return best


def _better(best: Parsed | None, mended: Parsed, language: str) -> Parsed:
    """A script taken out of a page always counts; another grammar only when it errs less."""
    if best is None or (language != best.language and best.language in _PAGES | {"php"}):
        return mended
    return mended if mended.errors < best.errors else best


def _parse(document: Document, language: str, source: bytes, name: str) -> Parsed | None:
    kept = document.cache.get(name)
    if isinstance(kept, tuple) and kept[0] == source:
        found: Parsed | None = kept[1]
        return found
    root = parse(language, source)
    parsed = None
    if root is not None:
        parsed = Parsed(language, source, root, error_share(root) if root.has_error else 0.0)
    document.cache[name] = (source, parsed)
    return parsed


def _blocks(document: Document, parsed: Parsed, flagged: Span) -> list[Block]:
    if parsed.language == "dockerfile":
        return dockerfile_blocks(parsed.root, flagged)
    nodes = chain(parsed.root, parsed.source, flagged)
    if parsed.language in NESTED:
        return nested_blocks(parsed.language, document.path, nodes, parsed.root)
    return code_blocks(nodes)


def _imports(document: Document, parsed: Parsed) -> list[int]:
    kept = document.cache.get("imports")
    if not isinstance(kept, list):
        kept = import_lines(parsed.root)
        document.cache["imports"] = kept
    return kept


def _bytes(document: Document) -> bytes:
    kept = document.cache.get("bytes")
    if not isinstance(kept, bytes):
        kept = document.text.encode("utf-8", "surrogateescape")
        document.cache["bytes"] = kept
    return kept
