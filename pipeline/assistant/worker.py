"""The child process that answers: one request as JSON on stdin, the answer as a JSON string on stdout."""

from __future__ import annotations

import sys

import msgspec

from pipeline.assistant.answer import Asked
from pipeline.models import blas


def main() -> None:
    """Load, answer greedily, print."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    blas.load()
    from mlx_lm import generate, load

    model, tokenizer = load(asked.base, adapter_path=asked.adapter)[:2]
    turns = [{"role": message.role, "content": message.content} for message in asked.messages]
    prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True)
    said = generate(model, tokenizer, prompt, max_tokens=asked.tokens)
    sys.stdout.write(msgspec.json.encode(said.strip()).decode() + "\n")


if __name__ == "__main__":
    main()
