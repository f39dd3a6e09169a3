"""The child process of a local teacher: conversations as JSON on stdin, their answers as a JSON list on stdout."""

from __future__ import annotations

import sys

import msgspec

from pipeline.dataset.teacher.local import Asked
from pipeline.models import blas


def main() -> None:
    """Load, answer greedily, print."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    blas.load()
    from pipeline.models.base import resolve
    from pipeline.models.load import answers, load

    model, tokenizer = load(resolve(asked.model).path)
    turns = [[{"role": one.role, "content": one.content} for one in turn] for turn in asked.conversations]
    written = answers(model, tokenizer, turns, asked.tokens)
    sys.stdout.write(msgspec.json.encode([text.strip() for text in written]).decode() + "\n")


if __name__ == "__main__":
    main()
