"""What a person reads when a run has ended: what was found, made and measured, and where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.flow import RunResult
from pipeline.output import Output

PATHS = ("findings.jsonl", "rejected.jsonl", "dataset", "models", "evaluation", "release", "run.json")

TRAINING = ("examples_seen", "steps", "train_loss_first", "train_loss_last", "valid_loss_first", "valid_loss_best")
TOLD = {
    "collect": ("artifacts", "files", "rejected"),
    "parse": ("findings", "before_merging", "earlier_findings", "reports", "rejected"),
    "locate": ("findings", "excerpts"),
    "retrieve": ("passages",),
    "mine": ("fixes",),
    "verify": ("outcomes",),
    "assemble": tuple(f"{kind}.{part}" for kind in ("analysis", "codefix") for part in ("train", "valid", "test")),
    "train-analysis": TRAINING,
    "train-codefix": TRAINING,
    "train-single": TRAINING,
    "gate": ("passed",),
    "publish": ("names",),
}
"""Which counts of each stage a person is told; the manifest has them all."""


def summary(result: RunResult, output: Path) -> dict[str, Any]:
    """Return the run in a JSON-ready form."""
    return {
        "run": result.folder.name,
        "up_to_date": not result.executed,
        "executed": list(result.executed),
        "stages": {name: manifest.counts for name, manifest in result.manifests.items()},
        "promoted": list(result.promoted),
        "warnings": warnings(result),
        "paths": {name: str(output / name) for name in PATHS if (output / name).exists()},
    }


def warnings(result: RunResult) -> list[str]:
    """Return every warning of the run, in the stages' order."""
    return [warning for manifest in result.manifests.values() for warning in manifest.warnings]


def print_summary(result: RunResult, output: Path) -> None:
    """Print the summary for a person."""
    console = Output(highlight=False)
    state = "up to date" if not result.executed else "done"
    console.print(f"\n[bold]Run {result.folder.name}[/] {state}.")
    console.print(_stages(result))
    evaluation = result.folder / "evaluate" / "evaluation" / "report.json"
    if evaluation.exists() and "evaluate" in result.manifests:
        from pipeline.evaluation.evaluate import table

        console.print(table(msgspec.json.decode(evaluation.read_bytes())))
    if "gate" in result.manifests:
        _print_verdict(console, result)
    for warning in warnings(result):
        console.print(Text.assemble(("warning ", "yellow bold"), warning))
    console.print("[bold]Made[/]")
    for name in PATHS:
        if (output / name).exists():
            console.print(f"  {output / name}", soft_wrap=True)


def _print_verdict(console: Console, result: RunResult) -> None:
    """Say who won; who didn't is said by the error or a warning."""
    from pipeline.evaluation.verdict import read_verdict, sentence

    for one in read_verdict(result.folder / "gate").judgements:
        if one.better:
            state = "It is the champion now." if one.specialist in result.promoted else "It passed the gate."
            console.print(Text.assemble((sentence(one), "green"), f" {state}"))


def _stages(result: RunResult) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "seconds", "what"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left")
    for name, manifest in result.manifests.items():
        told = TOLD.get(name, ())
        counts = [f"{key} {_short(manifest.counts[key])}" for key in told if key in manifest.counts]
        table.add_row(name, f"{manifest.seconds:.1f}", Text(", ".join(counts), overflow="fold"))
    return table


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return "+".join(f"{of} {name}" for name, of in value.items()) or "0"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
