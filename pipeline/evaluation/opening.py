"""Reading an analysis answer: the JSON object it opens with, or the fact that there is none."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pipeline.records import Record, Severity

_CWE = re.compile(r"CWE-(\d{1,5})")
_FENCE = re.compile(r"\s*(?:```(?:json)?\s*)?")
VERDICTS = ("vulnerable", "safe")


class Opening(Record):
    """The exact part of an analysis answer; None where the answer says null or something impossible."""

    cwe: int | None = None
    severity: str | None = None
    verdict: str | None = None
    lines: tuple[int, int] | None = None
    fix_kind: str | None = None


def read_opening(text: str) -> Opening | None:
    """Return the object an answer opens with; None when it can't be parsed: counted, never guessed.

    Only the first thing in the answer counts: an object after other words isn't an opening. A code
    fence round it is forgiven, so that a model that was never shown the form isn't wronged.
    """
    end = object_end(text)
    if end is None:
        return None
    try:
        value = msgspec.json.decode(text[_start(text) : end].encode())
    except msgspec.DecodeError:
        return None
    return _opening(value) if isinstance(value, dict) and "cwe" in value else None


def object_end(text: str) -> int | None:
    """Return where the JSON object that opens the text ends, None while it is open or when there is none."""
    start = _start(text)
    if not text[start:].startswith("{"):
        return None
    depth, quoted, escaped = 0, False, False
    for position, character in enumerate(text[start:], start):
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{}":
            depth += 1 if character == "{" else -1
            if depth == 0:
                return position + 1
    return None


def hopeless(text: str) -> bool:
    """Tell whether a started answer can't become one that opens with an object."""
    rest = text[_start(text) :]
    return bool(rest) and rest[0] != "{" and not "```json".startswith(rest.strip())


def _start(text: str) -> int:
    found = _FENCE.match(text)
    return found.end() if found else 0


def _opening(value: dict[str, Any]) -> Opening:
    severity, verdict, kind = value.get("severity"), value.get("verdict"), value.get("fix_kind")
    return Opening(
        cwe=_cwe(value.get("cwe")),
        severity=severity if severity in list(Severity) else None,
        verdict=verdict if verdict in VERDICTS else None,
        lines=_lines(value.get("lines")),
        fix_kind=kind if isinstance(kind, str) else None,
    )


def _cwe(value: Any) -> int | None:
    found = _CWE.fullmatch(value) if isinstance(value, str) else None
    return int(found.group(1)) if found else None


def _lines(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    first, last = value
    return (first, last) if isinstance(first, int) and isinstance(last, int) and first <= last else None
