"""Conversations as the model's own chat template writes them: in training, evaluation and use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from config.errors import InputRefused

Message = Mapping[str, str]
DAY = "26 Jul 2024"
"""For templates that write the day (Llama 3's): a training that goes on tomorrow must see the same tokens."""


class Tokenizer(Protocol):
    """What is needed of a tokenizer (mlx-lm's wrapper, or transformers' own)."""

    chat_template: str | None
    all_special_tokens: Sequence[str]
    all_special_ids: Sequence[int]
    eos_token_id: int | None

    def apply_chat_template(self, messages: Sequence[Message], **options: Any) -> Any:
        """Return the conversation as token ids."""

    def encode(self, text: str, **options: Any) -> list[int]:
        """Return the text as token ids."""

    def decode(self, tokens: Sequence[int], **options: Any) -> str:
        """Return token ids as text."""


def tokens(tokenizer: Tokenizer, messages: Sequence[Message], *, ask: bool = False) -> list[int]:
    """Return a conversation as token ids; with `ask`, up to where the assistant begins to answer.

    Raises `InputRefused` when the tokenizer has no chat template, or it can't write the conversation.
    """
    return _encode(tokenizer, _text(tokenizer, messages, ask=ask))


def runs(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[tuple[list[int], bool]]:
    """Return a conversation as runs of token ids, each an answer (with what ends its turn) or not.

    Prompt and answer are tokenized apart, as they are when the model answers: written in one
    go, a line break and the answer's indentation could become one token. Raises `InputRefused`
    when the template writes a prompt differently once it is answered.
    """
    result, done = [], 0
    whole = _text(tokenizer, messages)
    for number, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        prompt, answered = _text(tokenizer, messages[:number], ask=True), _text(tokenizer, messages[: number + 1])
        if not (whole.startswith(prompt) and whole.startswith(answered) and answered.startswith(prompt)):
            raise InputRefused(
                "The chat template writes a prompt differently once it is answered.",
                "Choose a model whose template doesn't (OLMo, Llama and SmolLM don't).",
            )
        result += [(_encode(tokenizer, prompt[done:]), False), (_encode(tokenizer, answered[len(prompt) :]), True)]
        done = len(answered)
    return result


def _text(tokenizer: Tokenizer, messages: Sequence[Message], *, ask: bool = False) -> str:
    if not tokenizer.chat_template:
        raise InputRefused(
            "The model's tokenizer has no chat template.", "Choose an instruction-tuned model (`-Instruct`)."
        )
    plain = [defused(tokenizer, message) for message in messages]
    written = _written(tokenizer, plain, ask)
    if isinstance(written, str) and _knows_system(plain, written):
        return written
    written = _written(tokenizer, _without_system(plain), ask)
    if isinstance(written, str):
        return written
    raise InputRefused(
        f"The model's chat template can't write this conversation: {str(written).rstrip('.')}.",
        "Most want at most one system message, then user and assistant in turn.",
    ) from written


def _written(tokenizer: Tokenizer, messages: Sequence[Message], ask: bool) -> str | Exception:
    """Return what the template makes of the messages, or what it says against them."""
    from jinja2.exceptions import TemplateError

    try:
        made = tokenizer.apply_chat_template(messages, add_generation_prompt=ask, tokenize=False, date_string=DAY)
    except (TemplateError, TypeError, ValueError) as error:
        return error
    return str(made)


def _knows_system(messages: Sequence[Message], written: str) -> bool:
    return all(message["content"].strip() in written for message in messages if message["role"] == "system")


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with a leading system message in front of the first user's: for templates without one."""
    if len(messages) < 2 or (messages[0]["role"], messages[1]["role"]) != ("system", "user"):
        return list(messages)
    together = f"{messages[0]['content']}\n\n{messages[1]['content']}"
    return [{"role": "user", "content": together}, *messages[2:]]


def stops(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return the tokens that end a turn, the tokenizer's own first: a model may have several."""
    own, known = tokenizer.eos_token_id, getattr(tokenizer, "eos_token_ids", None)  # transformers' own: a number
    others = sorted(set(known if isinstance(known, set | list | tuple) else ()) - {own})
    return tuple(others) if own is None else (own, *others)


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return [int(token) for token in tokenizer.encode(text, add_special_tokens=False)]


def defused(tokenizer: Tokenizer, message: Message) -> dict[str, str]:
    """Return the message with special tokens in its content broken up: text can't end its own turn."""
    content = message["content"]
    for special in tokenizer.all_special_tokens:
        if special in content:
            content = content.replace(special, f"{special[:1]} {special[1:]}")
    return {"role": message["role"], "content": content}
