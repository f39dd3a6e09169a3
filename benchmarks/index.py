# ruff: noqa: E501
"""What the index costs: build, query, memory, by number of passages; LanceDB beside it where installed.

Vectors are random, so that only the index is measured; embedding is measured apart.

    python -m benchmarks.index [--sizes 10000 100000] [--lancedb]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from pipeline.knowledge.catalogue import catalogue_entries, weaknesses
from pipeline.knowledge.interface import Entry
from pipeline.knowledge.query import query
from pipeline.knowledge.retrieval import Retrieval
from pipeline.knowledge.retrieve import opened_model
from pipeline.knowledge.store import Store
from pipeline.records import Passage

WIDTH = 384
QUERIES = 100


class RandomVectors:
    """Stands in for the sentence model: a unit vector for each text, from its hash."""

    digest = "random"

    def embed(self, texts: Sequence[str]) -> Any:
        seeds = [int.from_bytes(text.encode()[-8:], "little") for text in texts]
        rows = numpy.array([numpy.random.default_rng(seed).standard_normal(WIDTH) for seed in seeds], numpy.float32)
        return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def entries(count: int) -> list[Entry]:
    """Passages of 60 real words each, drawn from the catalogue's own texts."""
    chance = random.Random(7)
    words = " ".join(one.description for one in weaknesses().values()).split()
    made = []
    for number in range(count):
        start = chance.randrange(len(words) - 60)
        text = f"{' '.join(words[start : start + 60])} {number:08d}"
        passage = Passage(id=f"p{number:08d}", title=text[:60], text=text, source="s", licence="l", cwe=None)
        made.append(Entry(passage=passage, group="note", title=text[:60], summary=text, meaning=text))
    return made


def memory() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0)


def timed(work: Any) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2), result


def ours(made: list[Entry], asked: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "i.sqlite", RandomVectors()) as store:
        build = timed(lambda: store.synchronise(made))
        again = timed(lambda: store.synchronise(made))
        opened = timed(lambda: Retrieval(store, RandomVectors()))
        spent = [timed(lambda text=text: opened[2].rank(query(text[:40], text, text), 10))[:2] for text in asked]
        size = (Path(folder) / "i.sqlite").stat().st_size / 2**20
    return {
        "build s (wall, CPU)": build[:2], "nothing changed s": again[:2], "open s": opened[:2],
        "query ms p50 (wall, CPU)": [round(1000 * statistics.median(one[i] for one in spent), 1) for i in (0, 1)],
        "query ms p95 (wall, CPU)": [round(1000 * sorted(one[i] for one in spent)[int(len(spent) * 0.95)], 1) for i in (0, 1)],
        "file MiB": round(size, 1), "peak memory MiB": memory(),
    }  # fmt: skip


def lancedb(made: list[Entry], asked: list[str]) -> dict[str, Any]:
    import lancedb as lance

    model = RandomVectors()
    with tempfile.TemporaryDirectory() as folder:

        def build() -> Any:
            rows = [
                {"id": one.passage.id, "text": one.summary, "vector": row}
                for one, row in zip(made, model.embed([one.meaning for one in made]), strict=True)
            ]
            table = lance.connect(folder).create_table("p", rows)
            table.create_fts_index("text")
            return table

        built = timed(build)

        def ask(text: str) -> Any:
            vector = model.embed([text])[0]
            return built[2].search(vector).limit(80).to_list(), built[2].search(text, query_type="fts").limit(
                80
            ).to_list()

        spent = [timed(lambda text=text: ask(text))[:2] for text in asked]
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 2**20
    return {
        "build s (wall, CPU)": built[:2],
        "query ms p50 (wall, CPU)": [round(1000 * statistics.median(one[i] for one in spent), 1) for i in (0, 1)],
        "query ms p95 (wall, CPU)": [round(1000 * sorted(one[i] for one in spent)[int(len(spent) * 0.95)], 1) for i in (0, 1)],
        "file MiB": round(size, 1), "peak memory MiB": memory(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 20_000, 100_000])
    parser.add_argument("--lancedb", action="store_true")
    arguments = parser.parse_args()
    if not arguments.lancedb:
        texts = [one.meaning for one in list(catalogue_entries())[:128]]
        with opened_model("embedded") as model:
            spent = timed(lambda: model._inner.embed(texts))
        print(
            "embedding",
            {"texts per s (wall, CPU)": [round(len(texts) / seconds, 1) for seconds in spent[:2]]},
            flush=True,
        )
    for size in arguments.sizes:
        made = entries(size)
        asked = [one.summary for one in random.Random(1).sample(made, QUERIES)]
        print(size, json.dumps((lancedb if arguments.lancedb else ours)(made, asked)), flush=True)


if __name__ == "__main__":
    main()
