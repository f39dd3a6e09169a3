"""The conversation as text: the model's own template, or CodeLlama's `[INST]` for variants without one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from config.errors import InputRefused
from pipeline.remote.contract import Base

INST = (
    "{% if messages[0]['role'] == 'system' %}"
    "{% set system = '<<SYS>>\n' + messages[0]['content'] | trim + '\n<</SYS>>\n\n' %}{% set turns = messages[1:] %}"
    "{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + message['content'] | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
_MARKS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")


def tokenizer(base: Base, template: Literal["model", "inst"]) -> Any:
    """Return the base model's tokenizer, with the template the recipe names."""
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(base.model, **revision(base), trust_remote_code=False)
    if template == "inst":
        loaded.chat_template = INST
    return Turns(loaded, _MARKS if template == "inst" else ())


def revision(base: Base) -> dict[str, Any]:
    """Return the arguments that pin a Hub model, or keep a folder from being looked up."""
    if Path(base.model).exists():
        return {"local_files_only": True}
    if not base.revision:
        raise InputRefused(
            f"{base.model} is no folder here.", "Name its commit as `revision` to fetch it from the Hub."
        )
    return {"revision": base.revision}


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
