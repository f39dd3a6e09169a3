"""How exposed a canary is that a model was really trained on, beside one that it never saw.

    python -m benchmarks.canaries DATASET --out DIR [--copies 0 1 8] [--examples 10] [--epochs 3] [--seed 1]

DATASET is a data set's folder of a run. Ordinary examples of it are trained on together with one canary for each
number of copies; then base and adapter say how likely they find each canary among random others of its form.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from pipeline.evaluation import canaries
from pipeline.models import blas
from pipeline.models.base import resolve
from pipeline.records import Example
from pipeline.stage import read_records, write_records
from pipeline.training.backend import TrainingJob
from pipeline.training.mlx.backend import MlxBackend
from pipeline.training.recipe import Recipe


def main() -> None:
    arguments = parse()
    planted = canaries.plant(arguments.seed, len(arguments.copies))
    if arguments.measure:
        measure(arguments, planted)
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    ordinary = list(read_records(arguments.dataset / "codefix" / "train.jsonl", Example))[: arguments.examples]
    copies = [one for one, count in zip(planted, arguments.copies, strict=True) for _ in range(count)]
    write_records(arguments.out / "train.jsonl", [*ordinary, *copies])
    write_records(arguments.out / "valid.jsonl", ordinary[:2])
    job = TrainingJob(
        base_model=str(resolve("embedded").path), train=str(arguments.out / "train.jsonl"),
        valid=str(arguments.out / "valid.jsonl"), output=str(arguments.out / "adapter"),
        work=str(arguments.out / "work"), recipe=recipe(arguments),
    )  # fmt: skip
    MlxBackend().train(job, lambda _: None)
    command = [sys.executable, "-m", "benchmarks.canaries", *sys.argv[1:], "--measure"]
    subprocess.run(command, env=blas.environment(), check=True)


def measure(arguments: argparse.Namespace, planted: list[Example]) -> None:
    """Print each canary's exposure, in bits."""
    blas.load()
    from pipeline.evaluation.engine import Engine

    engine = Engine(resolve("embedded").path)
    for name, adapter in (("base", None), ("trained", arguments.out / "adapter")):
        engine.wear(adapter)
        for one, count in zip(planted, arguments.copies, strict=True):
            losses = {loss.question: loss for loss in engine.loss(name, "canary", canaries.rivals([one]))}
            print(f"{name:8} {count} copies: {canaries.exposure([one], losses):.2f} bits", flush=True)


def recipe(arguments: argparse.Namespace) -> Recipe:
    return Recipe(
        batch_size=2, max_epochs=arguments.epochs, learning_rate=1e-3, warmup_steps=2, rank=8, alpha=16.0, layers=8,
        max_tokens=768, eval_steps=10**6, save_steps=10**6, early_stopping_patience=0, gradient_checkpointing=False,
        seed=arguments.seed,
    )  # fmt: skip


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--copies", type=int, nargs="+", default=[0, 1, 8])
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
