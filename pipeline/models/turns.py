"""Turns of a conversation, with tokenizers that write a space before whatever they are given: CodeLlama's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

INST = (
    "{% if messages[0]['role'] == 'system' %}"
    "{% set system = '<<SYS>>\n' + messages[0]['content'] | trim + '\n<</SYS>>\n\n' %}{% set turns = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + message['content'] | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
MARKS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
"""What the template writes, and neither people nor models may."""


def turned(tokenizer: Any) -> Any:
    """Return `tokenizer` ready for turns; of Llama's kind and without a chat template it gets CodeLlama's `[INST]`.

    So a base variant answers here as a worker's `template: inst` trained it.
    """
    made = Turns(tokenizer)
    if not made.writes_space:
        return tokenizer
    if not tokenizer.chat_template:
        tokenizer.chat_template = INST
    return Turns(tokenizer, MARKS if "[INST]" in str(tokenizer.chat_template) else ())


class Turns:
    """A tokenizer for text that is tokenized in parts, one turn after another.

    Llama's tokenizers write a space before whatever they are given. The start of an answer would so
    get two spaces where the model was trained on one: a part's own leading space is left to them.
    `marks` are broken up in what people and models wrote, like special tokens are.
    """

    def __init__(self, inner: Any, marks: Sequence[str] = ()) -> None:
        self.inner = inner
        first = inner.convert_ids_to_tokens(inner.encode("a", add_special_tokens=False))[0]
        self.writes_space = first.startswith("▁")
        self.all_special_tokens = [*inner.all_special_tokens, *marks]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def encode(self, text: str, **options: Any) -> list[int]:
        """Return token ids; they decode to `text`."""
        part = text[1:] if self.writes_space and text.startswith(" ") else text
        return list(self.inner.encode(part, **options))
