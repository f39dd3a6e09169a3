"""The child process that answers: a question a line as JSON on stdin, its answers as a JSON list on stdout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.assistant.answer import Asked, Said
from pipeline.models import blas, chat
from pipeline.models.turns import turned

CIRCLE = 16
"""Tokens from which on a repetition is looked for."""
ROUNDS = 4
"""So often the same tokens in a row, and nothing new is coming."""


def main() -> None:
    """Answer each line, until there are no more; a model is loaded when another one is asked."""
    loaded: tuple[tuple[str, str | None], Any] | None = None
    for line in sys.stdin.buffer:
        asked = msgspec.json.decode(line, type=Asked)
        named = (asked.base, asked.adapter)
        if loaded is None or loaded[0] != named:
            loaded = None  # there is room for one
            loaded = (named, _load(*named))
        answers = _answers(asked, *loaded[1])
        sys.stdout.write(msgspec.json.encode(answers).decode() + "\n")
        sys.stdout.flush()


def _load(base: str, adapter: str | None) -> tuple[Any, Any]:
    blas.load()
    from mlx_lm import load

    model, tokenizer = load(base, adapter_path=adapter)[:2]
    return model, tokenizer


def _answers(asked: Asked, model: Any, tokenizer: Any) -> list[Said]:
    import mlx.core as mx
    from mlx_lm.sample_utils import make_sampler

    turns = [{"role": message.role, "content": message.content} for message in asked.messages]
    prompt = chat.tokens(turned(tokenizer), turns, ask=True)
    answers = []
    for seed in asked.seeds or (None,):
        if seed is not None:
            mx.random.seed(seed)
        sampler = make_sampler(temp=asked.temperature if seed is not None else 0.0)
        answers.append(written(model, tokenizer, prompt, asked.tokens, sampler))
    return answers


def written(model: Any, tokenizer: Any, prompt: Sequence[int], tokens: int, sampler: Any) -> Said:
    """Return one answer, cut where it only repeats itself."""
    from mlx_lm import stream_generate

    text, seen, ending = "", [], None
    for piece in stream_generate(model, tokenizer, prompt, max_tokens=tokens, sampler=sampler):
        text += piece.text
        seen.append(piece.token)
        ending = piece.finish_reason
        if circles(seen):
            break
    return Said(text=text.strip(), finished=ending == "stop")


def circles(tokens: Sequence[int]) -> bool:
    """Tell whether the newest tokens are the same few, over and over."""
    for length in range(1, CIRCLE + 1):
        newest = tokens[-length * max(ROUNDS, -(-CIRCLE // length)) :]
        if len(newest) >= max(CIRCLE, length * ROUNDS) and newest[length:] == newest[:-length]:
            return True
    return False


if __name__ == "__main__":
    main()
