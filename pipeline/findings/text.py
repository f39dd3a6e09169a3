"""Text from outside made harmless: bounded, without terminal escapes, hidden signs made visible."""

from __future__ import annotations

import re

MAX_TEXT = 4_000
MAX_HELP = 12_000
MAX_SNIPPET = 8_000
MAX_NAME = 1_000
READ_AHEAD = 2
"""Text is first cut to this many times its bound, so that a secret is never cut in two by it."""

TORN = 512
"""What is dropped at the end of a text cut that way: a secret cut in two there can't be told."""

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad\u180e]")
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_BIDIRECTIONAL = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def clean(text: str) -> str:
    """Return the text without terminal escapes and invisible characters, other controls spelled out."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _INVISIBLE.sub("", _ESCAPES.sub("", text))
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def hides_direction(text: str) -> bool:
    """Tell whether the text holds signs that make it look other than it is (CVE-2021-42574)."""
    return not text.isascii() and _BIDIRECTIONAL.search(text) is not None


def cut(text: str, limit: int) -> str:
    """Return the text's start, at most `limit` characters, and never half a placeholder."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    opening = kept.rfind("[redacted:")
    if opening >= 0 and "]" not in kept[opening:]:
        kept = kept[:opening]
    return kept + "…"


def without_torn_end(text: str) -> str:
    """Return redacted text that was cut off before, without the end, where half a secret may stand."""
    opening = text.rfind("[redacted:")
    closed = text.find("]", opening) + 1 if opening >= 0 else 0
    return text[: max(closed, len(text) - TORN)] + "…"
