"""Text from outside made harmless before it becomes a passage: it stays data and can't leave its frame.

What is taken out: control, invisible and direction-changing characters, terminal colours, HTML
comments, the marks of chat templates, tags of our own prompts, and sentences that talk to a
language model. The frame round a passage (`pipeline.knowledge.prompt`) is the other half.
"""

from __future__ import annotations

import re
import unicodedata

from pipeline.findings.injection import talks_to_a_model

REMOVED = "[text addressed to a model removed]"
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\x1b\][^\x07]*\x07")
_COMMENT = re.compile(r"<!--.*?(-->|$)", re.DOTALL)
_TEMPLATE = re.compile(
    r"<\|[^|<>]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<\uff5c[^>]{1,40}\uff5c>"
    r"|</?(?:system|assistant|user|human|tool|function_calls?|instructions?|finding|code|passages?|package|image|url)\b[^>]*>",
    re.IGNORECASE,
)
_ROLE = re.compile(r"(?im)^[^\S\n]*(?:#{1,4}[^\S\n]*)?(system|assistant|user|human|tool)[^\S\n]*:\s*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_KEPT = {"\n", "\t"}


def neutral(text: str) -> str:
    """Return the text as harmless data: the same text when there is nothing to take out."""
    text = _COMMENT.sub(" ", _TERMINAL.sub("", unicodedata.normalize("NFC", text)))
    text = "".join(char for char in text if char in _KEPT or unicodedata.category(char)[0] != "C")
    pieces = re.split(f"({_SENTENCE.pattern})", text)
    text = "".join(REMOVED if talks_to_a_model(piece) else piece for piece in pieces if piece is not None)
    text = _ROLE.sub("", _TEMPLATE.sub(" ", text))
    return REMOVED if talks_to_a_model(text) else text.strip()
