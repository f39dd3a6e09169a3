"""A training laid out for a worker that is started by hand: examples of a recipe's domains, the spec, the estimate."""

from __future__ import annotations

from pathlib import Path

from pipeline.disk import digest_file, write_atomically
from pipeline.remote.contract import Base, Data, DataFile, Spec, write_spec
from pipeline.remote.shipped import Plan, routed

SPEC = "spec.json"
_CHARACTERS = 3.2  # of code and prose in a token, roughly


def prepare(name: str, plan: Plan, dataset: Path, target: Path, base: str = "") -> Spec:
    """Write `spec.json` and the data it names into `target` and return the spec.

    `dataset` holds `train.jsonl` and `valid.jsonl`; examples of other domains stay out. `base` is the
    base model's folder on the worker; empty: the recipe's, from the Hub. Raises `InputRefused`.
    """
    files = {part: routed(dataset / f"{part}.jsonl", target / "data", plan.domains) for part in ("train", "valid")}
    named = {part: DataFile(path=f"data/{path.name}", sha256=digest_file(path)) for part, path in files.items()}
    spec = Spec(
        run=name,
        base=Base(model=base or plan.base_model, revision="" if base else plan.revision),
        data=Data(train=named["train"], valid=named["valid"]),
        recipe=plan.recipe,
        work="work",
        output="output",
    )
    write_atomically(target / SPEC, write_spec(spec))
    return spec


def tokens(path: Path, longest: int) -> int:
    """Return about how many tokens an epoch over the file has; an example counts at most `longest`."""
    with path.open("rb") as stream:
        return max(1, sum(min(longest, round(len(line) / _CHARACTERS)) for line in stream))
