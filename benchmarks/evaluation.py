"""How fast held-out questions are answered, beside `mlx_lm.generate` one at a time, and whether the answers agree.

    python -m benchmarks.evaluation DATASET [--model embedded|ID|PATH] [--adapter DIR]
        [--questions 16] [--tokens 48] [--batch 1 4 8] [--repeats 2]

DATASET is a data set's folder of a run. Contenders take turns, so that a busy machine hits all of
them alike; wall and CPU seconds are of the best turn, loading left out. `object` is how the
evaluation asks: an answer stops when its JSON object closes. `whole` writes every token that
`mlx_lm.generate` writes, so that both do the same work. Answers are compared without leading spaces: the
streaming decoder of mlx-lm drops one, ours keeps it, since it is indentation.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.evaluation.measurement import Question, question_id
from pipeline.evaluation.questions import draw
from pipeline.models import blas
from pipeline.models.base import resolve
from pipeline.records import Example
from pipeline.stage import read_records

Answers = dict[str, str]


def main() -> None:
    arguments = parse()
    examples = draw(
        list(read_records(Path(arguments.dataset) / "analysis" / "test.jsonl", Example)), arguments.questions
    )
    blas.load()
    from mlx_lm import generate

    from pipeline.evaluation.engine import Engine

    engine = Engine(resolve(arguments.model).path)
    engine.wear(Path(arguments.adapter) if arguments.adapter else None)

    def alone() -> Answers:
        return {
            question_id(one): generate(engine.model, engine.tokenizer, engine.prompt(one), max_tokens=arguments.tokens)
            for one in examples
        }

    def batched(batch: int, whole: bool) -> Callable[[], Answers]:
        asked = [
            Question(id=question_id(one), example=one, kind="analysis", tokens=arguments.tokens, whole=whole)
            for one in examples
        ]
        return lambda: {one.question: one.text for one in engine.answers("m", asked, 600.0, batch)}

    contenders: dict[str, Callable[[], Answers]] = {"mlx_lm.generate, one at a time": alone}
    for batch in arguments.batch:
        contenders[f"whole, batch {batch}"] = batched(batch, True)
        contenders[f"object, batch {batch}"] = batched(batch, False)
    compare(contenders, arguments.repeats, len(examples))


def compare(contenders: dict[str, Callable[[], Answers]], repeats: int, questions: int) -> None:
    """Let contenders take turns and print the best turn of each, and how many answers agree with the first's."""
    best: dict[str, tuple[float, float]] = {}
    said: dict[str, Answers] = {}
    for _ in range(repeats):
        for name, work in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            said[name] = work()
            took = (time.perf_counter() - wall, time.process_time() - cpu)
            best[name] = min(best.get(name, took), took)
    first = next(iter(contenders))
    print(f"{'contender':34} {'seconds':>8} {'CPU s':>8} {'answers/min':>12} {'times':>6}  same answers")
    for name, (wall, cpu) in best.items():
        same = sum(said[first][key].lstrip(" ").startswith(text.lstrip(" ")) for key, text in said[name].items())
        times = best[first][0] / wall
        print(f"{name:34} {wall:8.1f} {cpu:8.1f} {60 * questions / wall:12.1f} {times:6.2f}  {same} of {questions}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--adapter")
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--repeats", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
