"""Does an explanation stay with what it was given: names, versions and CWEs that stand nowhere in the prompt."""

from __future__ import annotations

import functools
import re

from pipeline.evaluation.opening import object_end
from pipeline.findings.redaction import PLACEHOLDER, Redactor

_QUOTED = re.compile(r"`([^`\n]{2,120})`")
_PROPOSED = re.compile(r"\b(?:by|add|use|with|to|now has) `[^`\n]*`", re.IGNORECASE)
_IDENTIFIER = re.compile(r"\b(?:CWE-\d+|CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3})\b")
_VERSION = re.compile(r"(?<![\w.])v?\d+\.\d+(?:\.\d+)*(?![\w.]*\w)")


def prose(answer: str) -> str:
    """Return an answer without its opening object."""
    end = object_end(answer)
    return answer[end:].strip() if end is not None else answer.strip()


def unsupported(answer: str, prompt: str) -> tuple[str, ...]:
    """Return what the prose mentions that isn't in the prompt: quoted code, identifiers, versions.

    White space is ignored. Code that is proposed ("replace … by `…`") is new by nature and left out; a
    CWE in the opening object is the answer itself, so the prose may repeat it.
    """
    known = _squeeze(prompt)
    opening = _squeeze(answer[: object_end(answer) or 0])
    text = prose(answer)
    mentions = [*_QUOTED.findall(_PROPOSED.sub(" ", text)), *_IDENTIFIER.findall(text), *_VERSION.findall(text)]
    return tuple(
        dict.fromkeys(
            mention
            for mention in mentions
            if _squeeze(mention) not in known and _squeeze(mention) not in opening and "…" not in mention
        )
    )


def secrets(text: str) -> int:
    """Return how many things in an answer have the shape of a secret: what redaction would take out."""
    return len(PLACEHOLDER.findall(_redactor().redact(text))) - len(PLACEHOLDER.findall(text))


@functools.cache
def _redactor() -> Redactor:
    return Redactor(b"only counted")


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()
