"""The load test of a model, in a process of its own: `python -m pipeline.publishing.loading BASE ADAPTER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from config.errors import Error

QUESTION = "Explain this finding: a query is built from input."


def main(base: str, adapter: str) -> int:
    """Load base and adapter, answer once and print seconds and answer as JSON; return 0, or 1 with the reason."""
    from pipeline.models.load import answers, load

    started = time.monotonic()
    try:
        model, tokenizer = load(Path(base), Path(adapter))
        loaded = time.monotonic() - started
        text = answers(model, tokenizer, [[{"role": "user", "content": QUESTION}]], max_tokens=16)[0]
    except Error as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps({"loads": True, "seconds": round(loaded, 1), "answer": text}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
