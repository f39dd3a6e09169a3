"""The user's notes as passages: a section of Markdown each, a long section in several."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pipeline.knowledge.folder import note_files
from pipeline.knowledge.interface import MAX_TEXT, Entry, KnowledgeError
from pipeline.knowledge.neutral import neutral
from pipeline.records import Passage
from pipeline.source.text import absence_of_text, decode

MAX_BYTES = 2_000_000
"""Of a larger note the beginning is read."""

MAX_PASSAGES = 2000
"""Passages of one note."""

_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def note_entries(folder: Path | None) -> Iterator[Entry]:
    """Yield a passage for each section of the user's Markdown files, in order of name; what is no text has none."""
    if folder is not None and not folder.is_dir():
        raise KnowledgeError(f"The knowledge folder {folder} isn't there.", "Create it, or empty knowledge.folder.")
    for name, path in note_files(folder):
        content = _content(name, path)
        if absence_of_text(content) is None:
            yield from islice(_passages(name, decode(content)), MAX_PASSAGES)


def digest_of_folder(folder: Path | None) -> str:
    """Return what identifies the user's notes: a SHA-256 over names and contents."""
    total = hashlib.sha256()
    for name, path in note_files(folder):
        total.update(name.encode() + b"\0" + hashlib.sha256(_content(name, path)).digest())
    return total.hexdigest()


def _content(name: str, path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except OSError as error:
        raise KnowledgeError(
            f"The note {name} can't be read: {error.strerror}.", "Make it readable, or move it out of knowledge.folder."
        ) from error


def _passages(name: str, text: str) -> Iterator[Entry]:
    number = 0
    for title, body in _sections(name, text):
        for part in _parts(neutral(body)):
            yield _note(name, number, title, part)
            number += 1


def _sections(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield (title, body) of each section; a `#` in a fenced block is no heading."""
    title, fence = name, ""
    lines: list[str] = []
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and not line[mark.end() :].strip())):
            fence = "" if fence else mark[1]
        heading = None if fence or mark else _HEADING.match(line)
        if heading is None:
            if line.strip() or (lines and lines[-1].strip()):
                lines.append(line)
            continue
        yield title, "\n".join(lines)
        title, lines = heading[1] or title, []
    yield title, "\n".join(lines)


def _parts(body: str) -> Iterator[str]:
    """Yield a body in parts of at most `MAX_TEXT`, cut between paragraphs, else lines, else words."""
    rest = body.strip()
    while len(rest) > MAX_TEXT:
        cut = next(
            (end for mark in ("\n\n", "\n", " ") if (end := rest.rfind(mark, MAX_TEXT // 2, MAX_TEXT)) > 0), MAX_TEXT
        )
        yield rest[:cut].rstrip()
        rest = rest[cut:].strip()
    if rest:
        yield rest


def _note(name: str, number: int, title: str, body: str) -> Entry:
    title = neutral(title)[:200]
    passage = Passage(
        id=f"note:{name}#{number:03d}",
        title=title,
        text=body,
        source=f"your notes, {neutral(name)}",
        licence="your own",
    )
    return Entry(passage=passage, group="note", title=title, summary=body, meaning=f"{title}. {body[:400]}", prior=0.7)
