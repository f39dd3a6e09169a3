"""Training examples as token ids: what is the prompt, what the answer, and what to do when too long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.errors import InputRefused
from pipeline.models import chat
from pipeline.training.conversations import conversations

_PASSAGE = re.compile(r"<passage\b[^>]*>\n(.*?)\n</passage>\n?", re.DOTALL)
_CODE = re.compile(r"(<code\b[^>]*>\n)(.*?)(\n</code>)", re.DOTALL)
_CUT = "…"
_NAME = 80  # letters of an example's own name in messages
_MARK = 8  # tokens the mark may cost, so that each cut gets somewhere


class Encoded(msgspec.Struct, frozen=True):
    """One example: token ids, and for each whether it belongs to an answer (never the first)."""

    name: str
    tokens: tuple[int, ...]
    answer: tuple[bool, ...]


class Reading(msgspec.Struct, frozen=True):
    """A data set read: the examples, how many were shortened, and the names of those that don't fit."""

    examples: tuple[Encoded, ...]
    shortened: int
    too_long: tuple[str, ...]


def read(path: Path, tokenizer: chat.Tokenizer, max_tokens: int) -> Reading:
    """Read a JSONL file of conversations; raises `InputRefused` with the line that can't be used."""
    examples, too_long, shortened = [], [], 0
    for name, messages in _conversations(path):
        encoded = encode(name, messages, tokenizer)
        if len(encoded.tokens) > max_tokens:
            shorter = shorten(name, messages, tokenizer, max_tokens)
            if shorter is None:
                too_long.append(name)
                continue
            encoded, shortened = shorter, shortened + 1
        examples.append(encoded)
    return Reading(tuple(examples), shortened, tuple(too_long))


def _conversations(path: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for number, one in conversations(path):
        yield _name(one.metadata, path, number), [msgspec.to_builtins(turn) for turn in one.messages]


def _name(metadata: Any, path: Path, number: int) -> str:
    known = metadata if isinstance(metadata, Mapping) else {}
    name = known.get("id") or known.get("name") or known.get("fingerprint")
    told = "".join(letter for letter in str(name or "")[:_NAME] if letter.isprintable())
    return f"{path.name}:{number}" + (f" ({told})" if told else "")


def encode(name: str, messages: Sequence[chat.Message], tokenizer: chat.Tokenizer) -> Encoded:
    """Return token ids with every assistant turn marked as answer, its end-of-turn token included.

    What the template writes after the last end-of-turn token is left off. Raises `InputRefused`
    when there is no answer, or when the template writes a prompt differently once it is answered.
    """
    turns = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
    if not turns or not messages[turns[-1]]["content"].strip():
        raise InputRefused(f"{name} has no answer to learn.", "Each example ends with an assistant message.")
    ids: list[int] = []
    answer: list[bool] = []
    stops = chat.stops(tokenizer)
    if not stops:
        raise InputRefused("The model's tokenizer has no token that ends a turn.", "Choose another model.")
    for run, answered in _runs(name, messages[: turns[-1] + 1], tokenizer):
        stop = _end_of_turn(run, stops) if answered else 0
        ids += run
        answer += [position < stop for position in range(len(run))]
    last = max(position for position, marked in enumerate(answer) if marked) + 1
    if ids[last - 1] not in stops:
        ids, answer, last = [*ids[:last], stops[0]], [*answer[:last], True], last + 1
    return _verified(Encoded(name, tuple(ids[:last]), tuple(answer[:last])), messages[turns[-1]], tokenizer)


def _runs(name: str, messages: Sequence[chat.Message], tokenizer: chat.Tokenizer) -> list[tuple[list[int], bool]]:
    try:
        return chat.runs(tokenizer, messages)
    except InputRefused as error:
        raise InputRefused(f"{name}: {error.message}", error.hint) from error


def _end_of_turn(run: list[int], stops: Sequence[int]) -> int:
    ends = [position for position, token in enumerate(run) if token in stops]
    return ends[-1] + 1 if ends else len(run)


def _verified(encoded: Encoded, message: chat.Message, tokenizer: chat.Tokenizer) -> Encoded:
    """Return the example once its tokens, decoded, are the answer, and no special one but the turn's end is learned."""
    marked = [token for token, answer in zip(encoded.tokens, encoded.answer, strict=True) if answer]
    content = chat.defused(tokenizer, message)["content"].strip()
    specials = set(marked) & set(tokenizer.all_special_ids)
    if content not in tokenizer.decode(marked) or not specials <= set(chat.stops(tokenizer)):
        raise InputRefused(f"{encoded.name}: the answer is not what its tokens decode to.", "Report this.")
    return encoded


def shorten(name: str, messages: Sequence[chat.Message], tokenizer: chat.Tokenizer, max_tokens: int) -> Encoded | None:
    """Return the example with less in its prompt: passages first, then the excerpt's far lines.

    The answer and the lines marked `>` stay whole. None when it still doesn't fit.
    """
    current = [dict(message) for message in messages]
    while True:
        encoded = encode(name, current, tokenizer)
        excess = len(encoded.tokens) - max_tokens
        if excess <= 0:
            return encoded
        if not _cut_one(current, excess, tokenizer):
            return None


def _cut_one(messages: list[dict[str, str]], excess: int, tokenizer: chat.Tokenizer) -> bool:
    for cut in (_without_passage_end, _without_far_lines):
        for message in messages:
            if message["role"] == "user":
                shorter = cut(message["content"], excess, tokenizer)
                if shorter is not None:
                    message["content"] = shorter
                    return True
    return False


def _without_passage_end(content: str, excess: int, tokenizer: chat.Tokenizer) -> str | None:
    passages = list(_PASSAGE.finditer(content))
    if not passages:
        return None
    last = passages[-1]
    words = last.group(1).removesuffix(f" {_CUT}").split(" ")
    kept, removed = len(words), 0
    while kept and removed <= excess + _MARK:
        kept -= 1
        removed += len(tokenizer.encode(f" {words[kept]}", add_special_tokens=False))
    if kept < 8:
        return content[: last.start()] + content[last.end() :]
    text = " ".join(words[:kept]) + f" {_CUT}"
    return content[: last.start(1)] + text + content[last.end(1) :]


def _without_far_lines(content: str, excess: int, tokenizer: chat.Tokenizer) -> str | None:
    code = _CODE.search(content)
    if code is None:
        return None
    lines = code.group(2).split("\n")
    marked = [number for number, line in enumerate(lines) if line.startswith(">")] or [0]
    far = sorted(
        (number for number, line in enumerate(lines) if number not in marked and line != _CUT),
        key=lambda number: -min(abs(number - mark) for mark in marked),
    )
    dropped, removed = set[int](), 0
    for number in far:
        if removed > excess:
            break
        dropped.add(number)
        removed += len(tokenizer.encode(f"{lines[number]}\n", add_special_tokens=False))
    if not dropped:
        return None
    return content[: code.start(2)] + "\n".join(_gaps(lines, dropped)) + content[code.end(2) :]


def _gaps(lines: list[str], dropped: set[int]) -> Iterator[str]:
    open_gap = False
    for number, line in enumerate(lines):
        gap = number in dropped or line == _CUT
        if not gap:
            yield line
        elif not open_gap:
            yield _CUT
        open_gap = gap
