"""Text in a report that talks to a language model. It stays as it is, as data, and is flagged.

The flag is a warning, not a defence: prompts must delimit everything that comes from reports.
"""

from __future__ import annotations

import functools
import re

FLAG = "prompt-injection"
_TALK = re.compile(
    r"(?i)"
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}"
    r"(?:\b(?:previous|prior|above|earlier|preceding|your)\b.{0,30}\b(?:rule|message|direction|context)s?\b"
    r"|\b(?:previous|prior|above|earlier|preceding|all|any|your|system|the)\b.{0,30}\b(?:instruction|prompt|guideline)s?\b)"
    r"|\byou are (?:now|no longer)\b.{0,60}"
    r"|\b(?:act|behave|respond|pretend) as (?:if you|an?|the)\b.{0,40}"
    r"\b(?:assistant|model|ai|developer mode|dan|admin|root|system)\b"
    r"|\b(?:reveal|print|repeat|show|output)\b.{0,30}\b(?:system prompt|your (?:instructions|prompt|rules))\b"
    r"|\bnew (?:system )?instructions?\s*:"
    r"|\b(?:as an?|dear|attention) (?:ai|llm|large language|language model|assistant|chatbot)\b"
    r"|\b(?:do not|don't|never) (?:report|flag|mention|fix|warn about) (?:this|the|any)\b.{0,40}"
    r"\b(?:finding|vulnerab\w+|issue|weakness|code)"
    r"|\b(?:mark|classify|treat|report) (?:this|it|all|the)\b.{0,30}\b(?:as (?:safe|false positive|benign|not a))"
    r"|<\|[a-z_]{2,30}\|>|\[/?INST\]|<<SYS>>|</?(?:system|assistant)>"
    r"|(?m:^[^\S\n]*(?:#{1,4}[^\S\n]*)?(?:system|assistant)[^\S\n]*:\s)"
    r"|(?m:^[^\S\n]*#{2,4}[^\S\n]*(?:instruction|system prompt)s?[^\S\n]*(?::[^\S\n]*)?$)"
)


_NEEDLES = (
    "ignore", "disregard", "forget", "override", "bypass", "you are", " as ", "reveal", "print", "repeat", "show",
    "output", "instruction", " ai", " llm", "model", "chatbot", "do not", "don't", "never", "<|", "inst]", "<<sys",
    "system", "assistant",
)  # fmt: skip
"""Without one of these there is no match."""


@functools.lru_cache(maxsize=4096)
def talks_to_a_model(text: str) -> bool:
    """Tell whether the text reads like instructions to a language model."""
    lowered = text.lower()
    return any(needle in lowered for needle in _NEEDLES) and _TALK.search(text) is not None
