"""Does an explanation stay with what it was given: names, versions and CWEs that stand nowhere in the prompt."""

from __future__ import annotations

import re

from pipeline.evaluation.opening import object_end

_QUOTED = re.compile(r"`([^`\n]{2,120})`")
_PROPOSED = re.compile(r"\b(?:by|add|use|with|to|now has) `[^`\n]*`", re.IGNORECASE)
_IDENTIFIER = re.compile(r"\b(?:CWE-\d+|CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3})\b")
_VERSION = re.compile(r"(?<![\w.])v?\d+\.\d+(?:\.\d+)*(?![\w.]*\w)")
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|xox[baprs]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|AIza[0-9A-Za-z_-]{35}|sk-[A-Za-z0-9_-]{32,}|hf_[A-Za-z0-9]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)


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
    """Return how many things in an answer have the shape of a secret."""
    return len(_SECRET.findall(text))


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()
