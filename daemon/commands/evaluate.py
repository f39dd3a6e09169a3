"""`fixsmith evaluate`: measure adapters on a data set, beside the base model and the trivial answers."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from config.errors import NotBetter, UsageError
from daemon.arguments import add_json, add_workspace, settings_of, workspace_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAMES = {"analysis": "stage-1", "codefix": "stage-2", "single": "single"}


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "evaluate",
        help="measure a specialist",
        description="Measure adapters on held-out examples: losses, answers, intervals, every trivial answer "
        "beside them. What is measured is kept; the same command goes on after a stop.",
        epilog="With --gate it exits 4 when a model isn't better by more than chance.",
    )
    command.add_argument(
        "--model", action="append", metavar="NAME=DIR", help="folder of an adapter or a fused model, repeatable"
    )
    command.add_argument("--dataset", metavar="DIR", help="data set (default: the newest run's)")
    command.add_argument("--base-model", metavar="ID|PATH", help="base model (default: fine_tuning.base_model_name)")
    command.add_argument(
        "--champion", metavar="DIR", help="the release to beat (default: gate.champion, else the workspace's)"
    )
    command.add_argument(
        "--to", metavar="DIR", default="evaluation", help="folder for the report (default: evaluation)"
    )
    command.add_argument("--gate", action="store_true", help="exit 4 unless every model is better")
    add_json(command)
    add_workspace(command)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the report and print the table; return 0, or raise NotBetter with --gate."""
    import msgspec

    from pipeline.evaluation.gate import decide
    from pipeline.evaluation.page.document import document
    from pipeline.evaluation.session import write, write_regressions
    from pipeline.evaluation.verdict import sentence
    from pipeline.lock import exclusive
    from pipeline.stage import write_atomically

    settings = _settings(arguments)
    session = _session(arguments, settings)
    try:
        with exclusive(session.work, "--to"):
            report, measured = session.run(lambda step: _say(step, arguments.json))
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the same command goes on from here.")
        raise
    folder = Path(arguments.to)
    write(folder, report, measured)
    scores = write_regressions(folder, session)
    verdict = decide(report, settings.gate)
    write_atomically(folder / "report.html", document(report, verdict=verdict).encode())
    if arguments.json:
        done = {"report": str(folder / "report.json"), "verdict": verdict}
        sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
    else:
        _print(report, folder)
        _print_scores(scores)
    if arguments.gate and not verdict.better:
        failed = " ".join(sentence(one) for one in verdict.judgements if not one.better)
        raise NotBetter(failed or "No specialist was measured.", f"See {folder / 'report.html'}.")
    return 0


def _print_scores(scores: Any) -> None:
    """Print each regression task's figures, the base's first."""
    for task in next(iter(scores.values()), {}):
        for metric in (name for name in scores["base"][task] if not name.endswith("_stderr")):
            said = ", ".join(f"{name} {found[task][metric]:.3f}" for name, found in scores.items())
            sys.stdout.write(f"{task} {metric}: {said}\n")


def models(arguments: argparse.Namespace, workspace: Path) -> dict[str, Path]:
    """Return the adapters to measure by name: those given, else the newest run's."""
    if not arguments.model:
        found = {name: workspace / "models" / folder for folder, name in NAMES.items()}
        return {name: path for name, path in found.items() if path.is_dir()}
    chosen: dict[str, Path] = {}
    for pair in arguments.model:
        name, separator, folder = pair.partition("=")
        if not separator or not Path(folder).is_dir():
            raise UsageError(f"--model {pair} names no adapter folder.", "Write --model NAME=DIR.")
        name = NAMES.get(name, name)
        if not _NAME.fullmatch(name) or name == "base" or name.startswith("champion") or name in chosen:
            raise UsageError(f"--model {pair}: {name} can't be its name.", "Take letters and digits, each name once.")
        chosen[name] = Path(folder)
    return chosen


def contestant(name: str, folder: Path) -> Any:
    """Return a contestant: an adapter on the base, or a whole model where the folder holds one."""
    from pipeline.evaluation.binding import ADAPTER
    from pipeline.evaluation.measurement import Contestant

    if (folder / ADAPTER).is_file():
        return Contestant(name=name, adapter=str(folder))
    if (folder / "config.json").is_file():
        return Contestant(name=name, base=str(folder))
    raise UsageError(f"{folder} holds neither an adapter nor a model.", "Write --model NAME=DIR.")


def _settings(arguments: argparse.Namespace) -> Any:
    import msgspec

    settings = settings_of(arguments)
    if arguments.champion:
        gate = msgspec.structs.replace(settings.gate, champion=arguments.champion)
        settings = msgspec.structs.replace(settings, gate=gate)
    return settings


def _session(arguments: argparse.Namespace, settings: Any) -> Any:
    from pipeline.champions import opponents as of_workspace
    from pipeline.code import code_digest
    from pipeline.evaluation import binding
    from pipeline.evaluation.evaluate import champions, opponents
    from pipeline.evaluation.session import Session, measured_quantization
    from pipeline.models.base import resolve
    from pipeline.stage import Request, digest_folder, digest_of

    workspace = workspace_of(arguments, settings)
    dataset = Path(arguments.dataset) if arguments.dataset else workspace / "dataset"
    if not dataset.is_dir():
        raise UsageError(f"There is no data set in {dataset}.", "Give --dataset, or run process_artifacts first.")
    found = models(arguments, workspace)
    base = resolve(arguments.base_model or settings.fine_tuning.base_model_name)
    request = Request(artifacts="", artifacts_digest="", champions=of_workspace(workspace))
    contestants = (*map(contestant, found, found.values()), *champions(opponents(settings, request), base))
    binding.check_dataset(dataset.resolve().parent, binding.read_manifest(dataset.resolve().parent))
    folders = [dataset, *(Path(one.adapter or one.base or "") for one in contestants)]
    identity = [
        base.digest, contestants, [digest_folder(folder) for folder in folders], settings.evaluation,
        measured_quantization(settings), code_digest(),
    ]  # fmt: skip
    work = Path(arguments.to) / ".work" / digest_of(identity)[:12]
    work.mkdir(parents=True, exist_ok=True)
    return Session(
        base=base,
        contestants=contestants,
        dataset=dataset,
        work=work,
        settings=settings,
        manifests={name: binding.read_manifest(path.resolve().parent) for name, path in found.items()},
        curves={},
    )


def _say(step: Any, as_json: bool) -> None:
    import msgspec

    if as_json:
        sys.stdout.write(msgspec.json.encode(step).decode() + "\n")
        sys.stdout.flush()
    elif sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{step.message} {step.done}/{step.total}")


def _print(report: Any, folder: Path) -> None:
    import msgspec

    from pipeline.evaluation.table import table
    from pipeline.output import Output

    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    console = Output(highlight=False)
    console.print(table(msgspec.to_builtins(report)))
    console.print(f"{folder / 'report.html'}", soft_wrap=True, markup=False)
