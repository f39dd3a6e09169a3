"""Redaction of excerpts: line by line, so that line numbers stay right."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from pipeline.records import Excerpt

Redact = Callable[[str], str]
HIDDEN = "[REDACTED]"


def redactor(secrets: Iterable[str]) -> Redact:
    """Return what hides the given values and everything that looks like a secret."""
    values = sorted(set(secrets), key=lambda value: (-len(value), value))

    def redact(text: str) -> str:
        for value in values:
            text = text.replace(value, HIDDEN)
        return text

    return redact


def redact_excerpt(excerpt: Excerpt, redact: Redact) -> Excerpt:
    """Return the excerpt with secrets hidden, as many lines as before."""
    text = redact(excerpt.text)
    if text.count("\n") != excerpt.text.count("\n"):
        text = "".join(redact(line) + "\n" for line in excerpt.text.split("\n")[:-1])
    return msgspec.structs.replace(excerpt, text=text, header=redact(excerpt.header))
