"""The whole table: base, stage 1, stage 2 and single-stage, over several seeds, on a run's own data set.

    python -m benchmarks.table --run RUN --out DIR [--seeds 1 2 3]
        [--findings 40] [--fixes 48] [--epochs 3] [--layers 8] [--rate 1e-3]
        [--held-findings 48] [--held-fixes 24] [--answers 24] [--answered-fixes 16]

RUN is the folder of a finished run (`process_artifacts --skip-fine-tuning`) whose sources are still there: fixes
are verified by scanning again. A fixed draw of its training and test parts is used, whole pairs of vulnerable and
fixed code first. All models of a seed start from the same base; single-stage sees both kinds, each as often as in
the stages. Figures are over all seeds together, intervals by bootstrap over clusters, so that a question's answers
under all seeds are drawn together; beside them the least and the greatest seed. What is done in DIR isn't repeated.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.load import load_settings
from config.settings import Settings
from pipeline.assistant.question import request_of
from pipeline.evaluation.baselines import baselines
from pipeline.evaluation.checking import Checker
from pipeline.evaluation.measurement import Contestant
from pipeline.evaluation.metrics import METRICS, STATISTICS
from pipeline.evaluation.proposing import propose_all
from pipeline.evaluation.questions import draw, questions, read_held_out
from pipeline.evaluation.report import Contender, of_questions, scored
from pipeline.evaluation.scores import Scored
from pipeline.evaluation.session import Session, write
from pipeline.evaluation.statistics import Comparison, compare, estimate, holm, judge
from pipeline.models.base import resolve
from pipeline.records import Example
from pipeline.stage import Context, read_records, write_records
from pipeline.training.backend import TrainingJob
from pipeline.training.mlx.backend import MlxBackend
from pipeline.training.recipe import Recipe

ARMS = ("stage-1", "stage-2", "single")
PAIRS = (("stage-1", "base"), ("stage-2", "base"), ("single", "base"), ("stage-2", "stage-1"), ("stage-2", "single"))
SHOWN = (
    "analysis_loss", "codefix_loss", "unparsable", "verdict", "pairs", "false_positives", "severity", "lines",
    "fix_verified", "fix_exact", "fix_unchanged",
)  # fmt: skip


def main() -> None:
    arguments = parse()
    run, out = arguments.run.resolve(), arguments.out.resolve()
    data = chosen(run / "assemble" / "dataset", out / "assemble" / "dataset", arguments)
    adapters = {(arm, seed): learned(arm, seed, data, out, arguments) for seed in arguments.seeds for arm in ARMS}
    evaluate(run, out, data, adapters, arguments)


def chosen(whole: Path, folder: Path, arguments: argparse.Namespace) -> Path:
    """Write the data set that is used: a fixed draw of each part."""
    sizes = {
        ("analysis", "train"): arguments.findings, ("codefix", "train"): arguments.fixes,
        ("analysis", "test"): arguments.held_findings, ("codefix", "test"): arguments.held_fixes,
    }  # fmt: skip
    for (kind, part), most in sizes.items():
        examples = list(read_records(whole / kind / f"{part}.jsonl", Example))
        write_records(folder / kind / f"{part}.jsonl", draw(paired(examples) if kind == "analysis" else examples, most))
    both = [one for kind in ("analysis", "codefix") for one in read_records(folder / kind / "train.jsonl", Example)]
    write_records(folder / "both.jsonl", both)
    for kind in ("analysis", "codefix"):
        write_records(folder / f"few-{kind}.jsonl", list(read_records(folder / kind / "train.jsonl", Example))[:2])
    return folder


def paired(examples: Sequence[Example]) -> list[Example]:
    """Return the examples whose vulnerable and fixed side are both there."""
    sides: dict[str, set[str]] = defaultdict(set)
    for one in examples:
        sides[one.metadata["pair"]].add(one.metadata["label"])
    return [one for one in examples if len(sides[one.metadata["pair"]]) == 2]


def learned(arm: str, seed: int, data: Path, out: Path, arguments: argparse.Namespace) -> Path:
    """Return the adapter of an arm and a seed, trained unless it is there."""
    place = out / f"{arm}-{seed}"
    if (place / "output" / "adapters.safetensors").is_file():
        return place / "output"
    second = arm == "stage-2"
    train = {"stage-1": "analysis/train.jsonl", "stage-2": "codefix/train.jsonl", "single": "both.jsonl"}[arm]
    started = time.process_time()
    job = TrainingJob(
        base_model=str(resolve("embedded").path), train=str(data / train),
        valid=str(data / f"few-{'codefix' if second else 'analysis'}.jsonl"),
        output=str(place / "output"), work=str(place / "work"), recipe=recipe(seed, arguments),
        resume_adapter=str(out / f"stage-1-{seed}" / "output") if second else None,
        replay=str(data / "analysis" / "train.jsonl") if second else None,
    )  # fmt: skip
    before = time.perf_counter()
    result = MlxBackend().train(job, lambda _: None)
    took = time.perf_counter() - before, time.process_time() - started
    print(place.name, result.steps, "steps", f"{took[0]:.0f} s of wall time", flush=True)
    return place / "output"


def recipe(seed: int, arguments: argparse.Namespace) -> Recipe:
    return Recipe(
        batch_size=2, max_epochs=arguments.epochs, learning_rate=arguments.rate, warmup_steps=4, rank=8, alpha=16.0,
        layers=arguments.layers, max_tokens=768, eval_steps=10**6, save_steps=10**6, early_stopping_patience=0,
        replay_share=0.25, gradient_checkpointing=False, seed=seed,
    )  # fmt: skip


def evaluate(
    run: Path, out: Path, data: Path, adapters: dict[tuple[str, int], Path], arguments: argparse.Namespace
) -> None:
    settings = settings_of(arguments)
    request = request_of(run)
    assert request is not None, f"{run} never came to its end"
    context = Context(
        folder=run / "table", work=out, inputs={}, request=request, settings=settings,
        progress=lambda _: None, warnings=[],
    )  # fmt: skip
    checker = Checker(context, run / "parse")
    session = Session(
        base=resolve("embedded"),
        contestants=tuple(Contestant(name=f"{arm}-{seed}", adapter=str(at)) for (arm, seed), at in adapters.items()),
        dataset=data, work=out / "measuring", settings=settings, manifests={}, curves={}, verify=checker,
    )  # fmt: skip
    session.work.mkdir(parents=True, exist_ok=True)
    report, measured = session.run(lambda step: print(step.message, step.done, step.total, flush=True))
    write(out / "evaluation", report, measured)
    held_out = read_held_out(data)
    asked = of_questions(questions(held_out, settings.evaluation))
    made = propose_all(measured, asked, baselines(held_out.train), checker)
    rows = {one.name: scored(one, asked, held_out, made) for one in measured}
    arms = {"base": [rows["base"]] * len(arguments.seeds)}
    arms |= {arm: [rows[f"{arm}-{seed}"] for seed in arguments.seeds] for arm in ARMS}
    for name in SHOWN:
        if all(name in one.scored for of in arms.values() for one in of):
            show(name, arms)
    for row in report.rows:
        if row.role == "trivial":
            print(row.model, {name: text(of.value) for name, of in row.metrics.items() if name in SHOWN})
    for one, other in PAIRS:
        against(one, other, arms)


def settings_of(arguments: argparse.Namespace) -> Settings:
    settings = load_settings()
    wanted = msgspec.structs.replace(
        settings.evaluation, max_answers=arguments.answers, max_explanations=0, answer_tokens=56,
        max_fixes=arguments.answered_fixes, fix_tokens=64, samples=0,
    )  # fmt: skip
    return msgspec.structs.replace(settings, evaluation=wanted)


def pooled(name: str, seeds: Iterable[Contender]) -> Scored:
    """Return the items of all seeds together; a question keeps its cluster, whatever the seed."""
    parts = [one.scored[name] for one in seeds]
    return Scored(
        items=tuple(item for part in parts for item in part.items),
        clusters=tuple(cluster for part in parts for cluster in part.clusters),
        questions=tuple(f"{seed}:{question}" for seed, part in enumerate(parts) for question in part.questions),
    )


def show(name: str, arms: dict[str, list[Contender]]) -> None:
    print(f"{name} ({METRICS[name].explanation})")
    for arm, seeds in arms.items():
        together = pooled(name, seeds)
        found = estimate(together.items, together.clusters, STATISTICS[name])
        each = [estimate(one.scored[name].items, one.scored[name].clusters, STATISTICS[name]).value for one in seeds]
        spread = ", ".join("–" if value is None else f"{value:.3f}" for value in each)
        count = len(seeds[0].scored[name].items)
        print(f"  {arm:8} {text(found.value)} [{text(found.low)}, {text(found.high)}] seeds {spread}; "
              f"{count} items in {found.clusters} clusters")  # fmt: skip


def against(one: str, other: str, arms: dict[str, list[Contender]]) -> None:
    """Print the first arm minus the second, metric by metric, p corrected over the metrics."""
    names = [name for name in SHOWN if all(name in row.scored for arm in (one, other) for row in arms[arm])]
    made: list[Comparison] = []
    for name in names:
        first, second = pooled(name, arms[one]), pooled(name, arms[other])
        better = METRICS[name].higher_is_better
        found = compare(first.items, second.items, first.clusters, STATISTICS[name], higher_is_better=better)
        made.append(found)
    adjusted = holm([comparison.p for comparison in made])
    for name, comparison, p in zip(names, made, adjusted, strict=True):
        told: Any = judge(comparison, p, higher_is_better=METRICS[name].higher_is_better)
        print(f"{one} - {other}: {name}: {told.difference:+.3f} [{text(told.low)}, {text(told.high)}] "
              f"p {told.p:.4f} adjusted {told.adjusted:.4f} {told.verdict}")  # fmt: skip


def text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--findings", type=int, default=40)
    parser.add_argument("--fixes", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--held-findings", type=int, default=48)
    parser.add_argument("--held-fixes", type=int, default=24)
    parser.add_argument("--answers", type=int, default=24)
    parser.add_argument("--answered-fixes", type=int, default=16)
    return parser.parse_args()


if __name__ == "__main__":
    main()
