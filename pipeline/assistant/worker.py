"""The child process that answers: one request as JSON on stdin, the answers as a JSON list on stdout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.assistant.answer import Asked, Said
from pipeline.models import blas, chat

CIRCLE = 16
"""Tokens from which on a repetition is looked for."""
ROUNDS = 4
"""So often the same tokens in a row, and nothing new is coming."""


def main() -> None:
    """Load, answer, print."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    blas.load()
    import mlx.core as mx
    from mlx_lm import load
    from mlx_lm.sample_utils import make_sampler

    model, tokenizer = load(asked.base, adapter_path=asked.adapter)[:2]
    turns = [{"role": message.role, "content": message.content} for message in asked.messages]
    prompt = chat.tokens(tokenizer, turns, ask=True)
    answers = []
    for seed in asked.seeds or (None,):
        if seed is not None:
            mx.random.seed(seed)
        sampler = make_sampler(temp=asked.temperature if seed is not None else 0.0)
        answers.append(written(model, tokenizer, prompt, asked.tokens, sampler))
    sys.stdout.write(msgspec.json.encode(answers).decode() + "\n")


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
