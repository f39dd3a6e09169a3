"""What is asked of the index for a finding: the words of its rule, of its message and help, and its meaning."""

from __future__ import annotations

import re

from pipeline.records import Finding, Record

MAX_WORDS = 60
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]+|\d+[A-Za-z]+\w*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MARKUP = re.compile(r"https?://\S+|[`*_#>|\[\](){}]")
_STOP = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "do", "does", "for", "from",
    "has", "have", "if", "in", "into", "is", "it", "its", "may", "might", "more", "must", "not", "of", "on", "or",
    "should", "so", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "through", "to", "use", "used", "uses", "using", "was", "were", "when", "where", "which", "while",
    "will", "with", "would", "you", "your", "we", "our", "also", "any", "all", "via", "i", "e", "g", "etc",
    "ensure", "detected", "found", "please", "see", "consider", "avoid", "instead", "recommended", "possible",
    "potential", "potentially", "rule", "check", "checks", "make", "sure", "http", "https", "www", "com", "org",
})  # fmt: skip


class Query(Record):
    """A question: `title` words tell most, `text` words less; `meaning` is embedded."""

    title: tuple[str, ...]
    text: tuple[str, ...]
    meaning: str


def query_of(finding: Finding) -> Query:
    """Return what a finding asks: rule id and name, message, rule help; no CWE is ever in it."""
    rule = finding.rule
    names = f"{_plain(rule.name or '')} {rule.id.rpartition('.')[2]}"
    message = _plain(finding.message)
    return query(
        names, f"{message} {_plain(rule.help or '')[:800]}", meaning=f"{_plain(rule.name or '')} {message[:400]}"
    )


def query(title: str, text: str, meaning: str) -> Query:
    """Return a question from plain texts."""
    first = _words(title)
    return Query(
        title=tuple(first[:MAX_WORDS]),
        text=tuple(word for word in _words(text)[:MAX_WORDS]),
        meaning=_without_cwe(meaning).strip(),
    )


def match(words: tuple[str, ...]) -> str:
    """Return an FTS5 expression that any of the words satisfies."""
    return " OR ".join(f'"{word}"' for word in words)


def _words(text: str) -> list[str]:
    """Return the telling words of a text, lower case, each once, in order; names are taken apart."""
    parts = (part for word in _WORD.findall(_without_cwe(text)) for part in _CAMEL.split(word))
    return list(dict.fromkeys(word for part in parts if len(word := part.lower()) > 1 and word not in _STOP))


def _plain(text: str) -> str:
    return _MARKUP.sub(" ", text)


def _without_cwe(text: str) -> str:
    return re.sub(r"(?i)\bcwe[-_: /]{0,3}\d*", " ", text)
