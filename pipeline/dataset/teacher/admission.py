"""Which of a teacher's texts may be learned: those that name nothing their sources don't."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 40, 2000
_QUOTED = re.compile(r"`([^`]{1,200})`")
_WEAKNESS = re.compile(r"\bCWE[- ]?(\d+)\b", re.IGNORECASE)
_ADVISORY = re.compile(
    r"\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|(?:PYSEC|RUSTSEC|GO)-\d{4}-\d+)\b", re.IGNORECASE
)
_VERSION = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)+(?:[-.+]?(?:a|b|rc|alpha|beta|post|dev|RELEASE)[\w.]*)?)(?![\w])")
_LINES = re.compile(r"\blines?\s+(\d+)(?:\s*(?:-|–|to|and|through|,)\s*(\d+))?", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"(?<![\w.])(?:[A-Za-z_$][\w$]*(?:(?:\.|::|->)[A-Za-z_$][\w$]*)+(?:\(\))?"  # dotted
    r"|[A-Za-z_$][\w$]*\(\)"  # called
    r"|[A-Za-z]*_\w+|[a-z]+[a-z0-9]*[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*"  # snake, camel, Pascal
    r"|[A-Z]+\d+\w*|[\w.-]+/[\w./-]+)"  # rule ids, paths
)
_PLAIN = frozenset({"e.g", "i.e", "and/or", "read/write", "input/output", "client/server"})
_ENDS = (".", "!", "?", ".)", '."')
_NUMBERED = re.compile(r"^[> ] *(\d+) ", re.MULTILINE)
_STRUCTURE = re.compile(r"^\s*(?:#+ |[-*] |\d+[.)] |```)|\*\*[^*]+\*\*:?", re.MULTILINE)


def refusal(text: str, sources: str) -> str | None:
    """Return why a text may not be learned, None when it may.

    `sources` is all that was known when it was written. Every CWE, advisory, version, line and identifier
    that the text names must stand in them, and it must name something: what says nothing of this code
    would be learned as an empty phrase.
    """
    if not SHORTEST <= len(text) <= LONGEST:
        return "empty, cut off or too long"
    if _STRUCTURE.search(text):
        return "headings, lists or fences"
    if not text.rstrip().endswith(_ENDS):
        return "breaks off"
    if _repeats(text):
        return "says a sentence twice"
    known, shown = _squeeze(sources), lines_shown(sources)
    weaknesses, versions = set(_WEAKNESS.findall(sources)), set(_VERSION.findall(sources))
    lines = [number for pair in _LINES.findall(text) for number in pair if number]
    holds = {
        "a CWE": weaknesses.issuperset(_WEAKNESS.findall(text)),
        "an advisory": all(one.lower() in known for one in _ADVISORY.findall(text)),
        "a version": versions.issuperset(_VERSION.findall(text)),
        "a line": all(int(number) in shown for number in lines),
        "quoted code": all(_squeeze(one) in known for one in _QUOTED.findall(text)),
        "an identifier": _identifiers(text) <= _words(sources),
    }
    wrong = next((f"names {what} that its sources don't" for what, right in holds.items() if not right), None)
    about = lines or _QUOTED.search(text) or _WEAKNESS.search(text) or _identifiers(text)
    return wrong if wrong or about else "names nothing of this code"


def _repeats(text: str) -> bool:
    sentences = [_squeeze(one) for one in re.split(r"(?<=[.!?])\s+", text) if one.strip()]
    return len(set(sentences)) < len(sentences)


def lines_shown(sources: str) -> frozenset[int]:
    """Return the numbers of the lines of code in the sources, and of those they name."""
    numbered = _NUMBERED.findall(sources.partition("<code ")[2])
    named = [number for pair in _LINES.findall(sources) for number in pair if number]
    return frozenset(int(number) for number in (*numbered, *named))


def _identifiers(text: str) -> set[str]:
    """Return the parts of everything in a text that looks like a name of code, a rule or a path."""
    found = {match.strip(".,;:()/") for match in _IDENTIFIER.findall(_VERSION.sub(" ", text))} - _PLAIN
    return {part for name in found for part in re.split(r"[^\w$]+", name) if part and not part.isdigit()}


def _words(text: str) -> set[str]:
    return set(re.split(r"[^\w$]+", text))


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()
