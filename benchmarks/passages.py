"""What passages bring to the task: the analysis specialist trained with and without them, same seed, same answers.

    python -m benchmarks.passages --run RUN --out DIR [--arms without with withheld]
        [--train 160] [--held-out 96] [--epochs 2] [--batch 2] [--layers 8] [--characters 900] [--seed 20250917]

RUN is the folder of a finished run (`process_artifacts --skip-fine-tuning`). The arms differ in the prompt's
passages and in nothing else: the answers to learn are written without passages, the split is the run's own.
`withheld` retrieves for findings whose CWE was cut out of every report, as it is for scanners that name none.
Each arm is trained from the same base; then every held-out answer is read once with the true answer in front:
its loss, and whether each token of its CWE is the most likely one, which is what greedy writing would write.
Two thirds of the held-out are findings whose report names the CWE. Intervals and p are over clusters of the
split. An arm that is done in DIR is not repeated.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Knowledge
from pipeline.dataset.assemble import read_materials
from pipeline.dataset.examples import Material, examples
from pipeline.evaluation.statistics import compare, estimate
from pipeline.knowledge.prompt import render
from pipeline.knowledge.retrieve import retrieve_all
from pipeline.models import blas
from pipeline.models.base import resolve
from pipeline.records import Example, Finding, Passage
from pipeline.stage import read_records, write_records
from pipeline.training.backend import TrainingJob, run
from pipeline.training.mlx.backend import MlxBackend
from pipeline.training.recipe import Recipe

ARMS = ("without", "with", "withheld")
SEED = 20250917
Passages = dict[str, tuple[Passage, ...]]


def main() -> None:
    arguments = parse()
    if arguments.score:
        score(*map(Path, arguments.score))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    split = {key(one): one.metadata for part in ("train", "valid", "test") for one in part_of(arguments.run, part)}
    materials = read_materials({name: arguments.run / name for name in STAGES}, 0)
    scored = {}
    for arm in arguments.arms:
        folder = arguments.out / arm
        if not (folder / "scores.json").exists():
            write_arm(folder, made(materials, passages_of(arm, materials, arguments), arguments), split, arguments)
            learn(folder, arguments)
        scored[arm] = json.loads((folder / "scores.json").read_text())
        show(arm, scored[arm])
    for arm in arguments.arms[1:]:
        against(arguments.arms[0], arm, scored)


STAGES = ("parse", "locate", "retrieve", "mine", "verify")


def part_of(folder: Path, part: str) -> list[Example]:
    return list(read_records(folder / "assemble" / "dataset" / "analysis" / f"{part}.jsonl", Example))


def key(example: Example) -> str:
    """Return what an example is called whatever its prompt holds: finding, label, and the answer it teaches."""
    told = example.metadata["fingerprint"], example.metadata["label"]
    return hashlib.sha256("\0".join(map(str, told)).encode()).hexdigest()


def passages_of(arm: str, materials: Sequence[Material], arguments: argparse.Namespace) -> Passages:
    if arm == "without":
        return {}
    findings = [one.finding for one in materials]
    asked = [without_cwe(one) for one in findings] if arm == "withheld" else findings
    settings = Knowledge(passages=arguments.passages, found=arguments.passages)
    found, kinds = retrieve_all(asked, arguments.out / arm / "index.sqlite", settings)
    print(arm, kinds, flush=True)
    return {one.fingerprint: one.passages for one in found}


def without_cwe(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, rule=msgspec.structs.replace(finding.rule, cwes=()))


def made(materials: Sequence[Material], passages: Passages, arguments: argparse.Namespace) -> list[Example]:
    """Return the analysis examples with an arm's passages in the prompt and in nothing else."""
    result = []
    for one in materials:
        told = render(passages.get(one.finding.fingerprint, ()), arguments.characters)
        changed = msgspec.structs.replace(one, passages=(), knowledge=told)
        result += [example for kind, example in examples(changed) if kind == "analysis"]
    return result


def write_arm(folder: Path, made: list[Example], split: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Write train.jsonl and held-out.jsonl: the run's split, of each part a fixed draw, the same in every arm."""
    parts: dict[str, list[Example]] = {"train": [], "held-out": []}
    for one in sorted(made, key=key):
        about = split.get(key(one))
        if about is not None:
            one.metadata["cluster"] = about["cluster"]
            parts["train" if about["split"] == "train" else "held-out"].append(one)
    write_records(folder / "train.jsonl", parts["train"][: arguments.train])
    named = [one for one in parts["held-out"] if one.metadata["cwes"]][: arguments.held_out * 2 // 3]
    others = [one for one in parts["held-out"] if not one.metadata["cwes"]][: arguments.held_out - len(named)]
    write_records(folder / "held-out.jsonl", [*named, *others])
    write_records(folder / "few.jsonl", parts["held-out"][:4])


def learn(folder: Path, arguments: argparse.Namespace) -> None:
    base, started = resolve("embedded").path, time.perf_counter()
    recipe = Recipe(
        batch_size=arguments.batch, max_epochs=arguments.epochs, learning_rate=3e-4, rank=8, alpha=16.0,
        layers=arguments.layers, max_tokens=1024, eval_steps=10**6, save_steps=40, early_stopping_patience=0,
        seed=arguments.seed,
    )  # fmt: skip
    job = TrainingJob(
        base_model=str(base), train=str(folder / "train.jsonl"), valid=str(folder / "few.jsonl"),
        output=str(folder / "output"), work=str(folder / "work"), recipe=recipe,
    )  # fmt: skip
    result = run(MlxBackend(), job, lambda _: None)
    print(folder.name, "trained", result.steps, "steps", round(time.perf_counter() - started), "s", flush=True)
    command = [sys.executable, "-m", "benchmarks.passages", "--score", str(base), result.adapter, str(folder)]
    subprocess.run(command, check=True, env=blas.environment())


def score(base: Path, adapter: Path, folder: Path) -> None:
    """Write scores.json: of each held-out answer its loss, its length, and whether its CWE is written. In a child."""
    import mlx.core as mx

    from pipeline.evaluation.engine import Engine

    engine = Engine(base)
    rows = {}
    for worn in (None, adapter):
        engine.wear(worn)
        rows["base" if worn is None else "adapter"] = [
            measured(engine, mx, one)
            for one in read_records(folder / "held-out.jsonl", Example)
            if worn or one.metadata["cwes"]
        ]
    (folder / "scores.json").write_text(json.dumps(rows))


def measured(engine: Any, mx: Any, example: Example) -> dict[str, Any]:
    tokens, start = engine._encoded(example)
    row = mx.array([tokens])
    logits = engine.model(row[:, :-1])[0, start - 1 :].astype(mx.float32)
    likely = [int(token) for token in mx.argmax(logits, axis=-1)]
    losses = mx.logsumexp(logits, axis=-1) - mx.take_along_axis(logits, row[0, start:, None], axis=-1).squeeze(-1)
    mx.eval(losses)
    mx.clear_cache()
    end = cwe_end(engine.tokenizer, tokens[start:])
    return {
        "loss": math.fsum(float(loss) for loss in losses), "tokens": len(tokens) - start,
        "right": likely[:end] == tokens[start : start + end], "named": bool(example.metadata["cwes"]),
        "label": example.metadata["label"], "cluster": example.metadata["cluster"], "prompt": start,
    }  # fmt: skip


def cwe_end(tokenizer: Any, answer: list[int]) -> int:
    """Return after how many tokens of an answer its CWE is written, the comma behind it included."""
    return next(end for end in range(1, len(answer) + 1) if "," in tokenizer.decode(answer[:end]))


def show(arm: str, scored: dict[str, Any]) -> None:
    rows = scored["adapter"]
    print(f"{arm:9} prompt tokens {sum(row['prompt'] for row in rows) / len(rows):.0f}", flush=True)
    for name, (of, items) in FIGURES.items():
        chosen = [row for row in rows if of(row)]
        found = estimate([items(row) for row in chosen], [row["cluster"] for row in chosen])
        if found.value is not None:
            between = f"[{found.low}, {found.high}]" if found.low is None else f"[{found.low:.3f}, {found.high:.3f}]"
            print(f"  {name:26} {found.value:.3f} {between} of {found.items} in {found.clusters} clusters")
    untrained = [row["right"] for row in scored["base"]]
    print(f"  untrained base, CWE right  {sum(untrained)} of {len(untrained)}", flush=True)


Items = Callable[[dict[str, Any]], Sequence[float]]
FIGURES: dict[str, tuple[Callable[[dict[str, Any]], bool], Items]] = {
    "loss, nats a token": (lambda row: True, lambda row: (row["loss"], row["tokens"])),
    "CWE right, where named": (lambda row: row["named"], lambda row: (float(row["right"]), 1.0)),
    "CWE or none right, all": (lambda row: True, lambda row: (float(row["right"]), 1.0)),
}


def against(first: str, second: str, scored: dict[str, Any]) -> None:
    """Print the second arm minus the first, item by item."""
    for name, (of, items) in FIGURES.items():
        one, other = ([row for row in scored[arm]["adapter"] if of(row)] for arm in (first, second))
        clusters = [row["cluster"] for row in one]
        found = compare(
            [items(row) for row in other], [items(row) for row in one], clusters, higher_is_better="loss" not in name
        )
        print(f"{second} - {first}: {name}: {found.difference:+.3f} [{found.low}, {found.high}] p {found.p:.4f}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--train", type=int, default=160)
    parser.add_argument("--held-out", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--passages", type=int, default=2)
    parser.add_argument("--characters", type=int, default=900)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--score", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
