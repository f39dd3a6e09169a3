"""Training against mlx-lm: same model, data, seed and hyperparameters, alternated, on this machine.

    python benchmarks/training.py [--models smollm2 olmo2] [--lengths seed short tailed FOLDER] [--batch 4]
        [--documents 16] [--epochs 1] [--row 1024] [--threads 1] [--techniques]

A FOLDER is a data set of fixsmith's own, such as OUTPUT/dataset/analysis: real examples instead of made ones.

Every measurement is a process of its own with the same BLAS in front of MLX, and the sides take
turns. Reported: tokens of examples a second of CPU time (`--threads 1`: on a machine that does other
things too, wall time says little), medians, and the medians of their ratios; loss on held-out
examples after training; the most memory MLX's arrays took, and the most the process held. Sides:
`mlx-lm` is 0.32 as shipped, `sorted` the same with its dead length sort repaired, `fixsmith` this
trainer, `products` nothing but the matrix products of its linear layers and vocabulary projection,
forth and back: what no trainer on this machine can beat. `--raw FILE` keeps every single measurement;
those it holds already are not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.trainers import measure  # noqa: E402
from pipeline.models import base, blas  # noqa: E402
from pipeline.training.mlx import backend  # noqa: E402

SIDES = ("mlx-lm", "sorted", "fixsmith", "products")
OFF = (
    "kept-heap",
    "kept-lower-blocks",
    "shared-prefix",
    "last-block",
    "quick-exponential",
    "query-chunks",
    "per-document-attention",
    "scored-positions",
)


def main() -> None:
    """Run every combination and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["smollm2", "olmo2"])
    parser.add_argument("--lengths", nargs="+", default=["seed", "short", "tailed"])
    parser.add_argument("--batch", nargs="+", type=int, default=[4])
    parser.add_argument("--documents", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--row", type=int, default=1024, help="tokens a row of ours may hold")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--techniques", action="store_true", help="also without each technique")
    parser.add_argument("--raw", type=Path, help="file of single measurements")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(**json.loads(arguments.one))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        models = {name: folder(name, Path(scratch)) for name in arguments.models}
        for name, path in models.items():
            for lengths in arguments.lengths:
                for batch in arguments.batch:
                    compare(name, str(path), lengths, batch, arguments)


def compare(name: str, model: str, lengths: str, batch: int, arguments: argparse.Namespace) -> None:
    """Measure every side of one combination, alternated, and print its lines: medians, and of the ratios."""
    sides = [(side, "") for side in arguments.sides]
    sides += [("fixsmith", off) for off in OFF] if arguments.techniques else []
    found: dict[tuple[str, str], list[dict[str, float]]] = {side: [] for side in sides}
    for repeat in range(arguments.repeats):
        for side, off in sides:
            job = {"side": side, "off": off, "model": model, "lengths": lengths, "batch": batch}
            job |= {"documents": arguments.documents, "epochs": arguments.epochs, "row": arguments.row}
            key = json.dumps([name, repeat, arguments.threads, job | {"model": name}])
            found[side, off].append(remembered(arguments.raw, key, job, arguments.threads))
    others = [side for side in arguments.sides if side != "fixsmith"]
    for (side, off), results in found.items():
        median = {key: statistics.median(result[key] for result in results) for key in results[0]}
        what = f"without {off}" if off else side
        gains = "".join(f"{gain(results, found[other, '']):5.2f} of {other}  " for other in others)
        print(
            f"{name:8} {Path(lengths).name:8} batch {batch}  {what:32} "
            f"{median['tokens_per_cpu_second']:7.1f} tokens/CPU-s  {gains}"
            f"arrays {median['peak_bytes'] / 1e9:5.2f} GB  process {median['resident_bytes'] / 1e9:5.2f} GB  "
            f"seen {median['examples_seen']:3.0f}  "
            f"validation loss {median['valid_loss']:.4f}",
            flush=True,
        )


def remembered(raw: Path | None, key: str, job: dict[str, Any], threads: int) -> dict[str, float]:
    """Return a measurement from the file of single ones, or make it and add it there."""
    if raw is None:
        return child(job, threads)
    known = dict(json.loads(line) for line in raw.read_text().splitlines()) if raw.exists() else {}
    if key not in known:
        known[key] = child(job, threads)
        with raw.open("a") as stream:
            stream.write(json.dumps([key, known[key]]) + "\n")
    return dict(known[key])


def gain(results: list[dict[str, float]], others: list[dict[str, float]]) -> float:
    """Return the median of the ratios of tokens a CPU second, repeat by repeat."""
    key = "tokens_per_cpu_second"
    return statistics.median(one[key] / other[key] for one, other in zip(results, others, strict=True))


def child(job: dict[str, Any], threads: int) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    plain = job["side"] in ("mlx-lm", "sorted") or job["off"] == "kept-heap"
    environment = (blas.environment if plain else backend.environment)() | {"OPENBLAS_NUM_THREADS": str(threads)}
    command = [sys.executable, __file__, "--one", json.dumps(job)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def folder(name: str, scratch: Path) -> Path:
    """Return the model: the embedded one, or a random OLMo-2 of 136 million weights with its tokenizer."""
    embedded = base.resolve("embedded").path
    if name == "smollm2":
        return embedded
    import shutil

    target = scratch / "olmo2"
    target.mkdir()
    shutil.copy(embedded / "tokenizer.json", target)
    shutil.copy(embedded / "tokenizer_config.json", target)
    config = {
        "model_type": "olmo2", "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 8,
        "num_attention_heads": 12, "num_key_value_heads": 12, "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6, "rope_theta": 500000.0, "tie_word_embeddings": True, "vocab_size": 100352,
        "eos_token_id": 2,
    }  # fmt: skip
    (target / "config.json").write_text(json.dumps(config))
    program = "import sys; from pathlib import Path; from pipeline.models.tiny import _weights; import json\n"
    program += "p = Path(sys.argv[1]); _weights(p, json.loads((p / 'config.json').read_text()), 0)"
    environment = blas.environment() | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program, str(target)], env=environment, check=True)
    return target


if __name__ == "__main__":
    main()
