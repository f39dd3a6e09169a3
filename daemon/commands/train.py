"""`fixsmith train`: train from a data set, apart from any run."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from config.errors import Postponed, UsageError
from config.sections.training import BACKENDS
from daemon.arguments import add_json, add_workspace, settings_of, workspace_of
from pipeline.disk import digest_file, write_atomically

INPUTS = "inputs.json"  # in a training's work folder
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "train",
        help="train again from a data set",
        description="Train from a data set: fixsmith's own (analysis specialist, then code-fix specialist), a folder "
        "with train.jsonl and perhaps valid.jsonl, or one JSONL file of chat conversations. Adapter, PEFT export, "
        "figures and loss curve go to WORKSPACE/trained/NAME. Interrupted, the same command goes on where it was.",
        epilog="Values come from the flags, else --recipe, else the settings.",
    )
    add_options(command)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what a training is told."""
    command.add_argument("--dataset", metavar="DIR|FILE", required=True, help="what to train on")
    command.add_argument("--output-name", metavar="NAME", required=True, help="name of what is made")
    command.add_argument("--batch-size", metavar="N", type=int, help="examples in a step")
    command.add_argument("--learning-rate", metavar="RATE", type=float, help="peak learning rate, of both stages")
    command.add_argument("--max-epochs", metavar="N", type=int, help="passes over the data")
    command.add_argument("--base-model", metavar="ID|PATH", help="base model (default: fine_tuning.base_model_name)")
    command.add_argument(
        "--recipe", metavar="NAME|FILE", help="a recipe: default, small-memory, upper-layers, a worker's, or YAML"
    )
    command.add_argument("--backend", choices=BACKENDS, help="where (default: fine_tuning.backend)")
    command.add_argument(
        "--disable-sequential-fine-tuning", action="store_true", help="one adapter for both kinds of example"
    )
    command.add_argument(
        "--upload",
        action="store_true",
        help="upload the adapters to private repositories on the Hugging Face Hub, PREFIX-NAME and so on",
    )
    add_workspace(command)
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Train every part of the data set and say what was made; return 0."""
    from pipeline.lock import exclusive
    from pipeline.remote import specialist

    if not _NAME.fullmatch(arguments.output_name):
        raise UsageError(f"--output-name {arguments.output_name} is no name.", "Use letters, digits, `.`, `_`, `-`.")
    settings = settings_of(arguments)
    if arguments.backend:
        fine_tuning = msgspec.structs.replace(settings.fine_tuning, backend=arguments.backend)
        settings = msgspec.structs.replace(settings, fine_tuning=fine_tuning)
    if is_workers := specialist.is_one(arguments.recipe or ""):
        settings = specialist.applied(settings, arguments.recipe, arguments.base_model or "")
    recipes = _recipes(arguments, settings, "" if is_workers else arguments.recipe)
    send = _uploader(arguments, settings) if arguments.upload else None
    signal.signal(signal.SIGTERM, _postpone)
    work = workspace_of(arguments, settings) / "trained/.work" / arguments.output_name
    try:
        with exclusive(work, "--output-name"):
            return _run(arguments, settings, recipes, work, send, is_workers)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the same command goes on from here.")
        raise


def _run(
    arguments: argparse.Namespace, settings: Any, recipes: tuple[Any, Any], work: Path, send: Any, is_workers: bool
) -> int:
    from pipeline.models.base import resolve
    from pipeline.publishing.apart import WHOLE
    from pipeline.remote import specialist
    from pipeline.tracking.tracking import recorded
    from pipeline.training import peft
    from pipeline.training.choice import chosen
    from pipeline.training.parts import parts

    workspace = workspace_of(arguments, settings)
    output = workspace / "trained" / arguments.output_name
    sequential = settings.fine_tuning.sequential and not arguments.disable_sequential_fine_tuning
    wanted = parts(Path(arguments.dataset).expanduser().absolute(), work, sequential)
    if is_workers:
        wanted = specialist.routed(wanted, settings, work)
    if recipes[0].kl_weight and not any(part.after for part in wanted):
        raise UsageError("`kl_weight` keeps stage 2 near stage 1, and here is one training only.", "Set it to 0.")
    base = resolve(arguments.base_model or settings.fine_tuning.base_model_name)
    with chosen(settings) as backend:
        for part in wanted:
            if getattr(arguments, "rehearse", False):
                return _rehearse(backend, _job(backend, part, recipes[0], base, output, work))
            job = _job(backend, part, recipes[part.after is not None], base, output, work)
            name, what = part.name or arguments.output_name, part.name or WHOLE
            with recorded(
                settings, workspace, f"{arguments.output_name}-{what}", what, job.recipe, base.name, _warn
            ) as to:
                to.done(_train(backend, name, job, arguments.json, to.event))
            peft.export(Path(job.output), Path(job.output) / peft.FOLDER, base.name)
    if send is not None:
        send(wanted, output, work / "release", base.name)
    return 0


def tell(event: Any) -> None:
    """Write what a training says to standard error, a line."""
    from pipeline.training.progress import describe

    sys.stderr.write(describe(event) + "\n")


def _rehearse(backend: Any, job: Any) -> int:
    """Say what the first training of the data set would take, as its worker timed a few steps of it."""
    from pipeline.training.progress import duration

    found = backend.rehearse(job, tell)
    cost = f", cost {backend.cost(found.seconds):.2f}" if backend.cost(1.0) else ""
    speed = f"{found.tokens_per_second:,.0f} tokens/s"
    memory = f"{found.peak_memory_bytes / 1e9:.1f} GB"
    sys.stdout.write(f"{found.steps} steps: {duration(found.seconds)}, {speed}, {memory}{cost}\n")
    return 0


def _uploader(arguments: argparse.Namespace, settings: Any) -> Any:
    """Return what publishes the adapters; raise before hours of training when that couldn't work."""
    from config.tokens import hub_token
    from daemon.commands.publish import progress, tell
    from pipeline.publishing.apart import WHOLE, Trained, check, lay_out
    from pipeline.publishing.hub.target import HubTarget
    from pipeline.publishing.upload import upload_apart

    check(arguments.output_name, settings)
    token = hub_token(settings.publish)

    def send(chosen: Any, output: Path, folder: Path, base: str) -> None:
        trained = tuple(
            Trained(
                part=part.name or WHOLE, folder=str(output / part.name), data=(str(part.train), str(part.valid)),
                **_figures(output / part.name),
            )
            for part in chosen
        )  # fmt: skip
        release = lay_out(arguments.output_name, trained, settings, base, folder)
        target = HubTarget(settings.publish, token)
        for one in upload_apart(release, settings, target, [token], progress(arguments.json)):
            tell(one, arguments.json)

    return send


def _figures(folder: Path) -> dict[str, Any]:
    """Return seconds and figures of a training, as its card says them."""
    result = msgspec.json.decode((folder / "result.json").read_bytes())
    names = (
        "steps",
        "train_loss_first",
        "train_loss_last",
        "valid_loss_first",
        "valid_loss_best",
        "joules",
        "energy_from",
    )
    counts = {name: result.get(name) for name in names}
    return {"seconds": result["seconds"], "counts": {"examples_seen": result.get("examples"), **counts}}


def _recipes(arguments: argparse.Namespace, settings: Any, recipe: str | None) -> tuple[Any, Any]:
    """Return the recipes of stage 1 and of stage 2."""
    from pipeline.training.shipped import changed, read
    from pipeline.training.stages import analysis_recipe, codefix_recipe

    one, two = analysis_recipe(settings), codefix_recipe(settings)
    if recipe:
        one = two = read(recipe)
    given = {name: getattr(arguments, name) for name in ("batch_size", "learning_rate", "max_epochs")}
    return changed(one, **given), changed(two, **given)


def _job(backend: Any, part: Any, recipe: Any, base: Any, output: Path, work: Path) -> Any:
    """Return the job of a part; raises UsageError where something else lies in its place."""
    from pipeline.training.backend import TrainingDataset, earlier

    before = part.after
    dataset = TrainingDataset(
        base_model=str(base.path),
        train=str(part.train),
        valid=str(part.valid),
        output=str(output / part.name),
        work=str(work / (part.name or "model")),
        resume_adapter=str(output / before.name) if before else None,
        replay=str(before.train) if before else None,
        replay_valid=str(before.valid) if before else None,
    )
    job = backend.prepare(recipe, dataset)
    note, inputs = Path(job.work) / INPUTS, _inputs(job, base)
    own = Path(job.output)
    same = earlier(job) == job and (not note.exists() or note.read_bytes() == inputs)
    if not same and (own.exists() or (output / "adapters.safetensors").exists()):
        raise UsageError(
            f"{own if own.exists() else output} is there already, made from other data or in another way.",
            "Choose another --output-name, or remove it.",
        )
    note.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(note, inputs)
    return job


def _inputs(job: Any, base: Any) -> bytes:
    """Return digests of what the job's files hold: a data set may have been changed in its place."""
    names = ("train", "valid", "replay", "replay_valid")
    found = {name: digest_file(Path(path)) for name in names if (path := getattr(job, name))}
    return msgspec.json.encode(found | {"base_model": base.digest})


def _train(backend: Any, name: str, job: Any, as_json: bool, also: Callable[[Any], None]) -> Any:
    """Train a job, say what it does and what came out, and tell `also` every event; return the result."""
    from pipeline.console import display
    from pipeline.stage import Progress
    from pipeline.training.progress import describe

    if as_json:

        def on_line(event: Any) -> None:
            _line({"training": name} | msgspec.to_builtins(event))
            also(event)

        result = backend.train(job, on_line)
        _line({"training": name, "kind": "result"} | msgspec.to_builtins(result))
        return result
    said: list[str] = []
    with display(json=False) as show:

        def on_event(event: Any) -> None:
            also(event)
            if event.kind in ("warning", "excluded"):
                said.append(f"{event.message} {event.hint}".strip())
            show(Progress(stage=name, message=describe(event), done=event.step or 0, total=event.steps))

        result = backend.train(job, on_event)
    sys.stdout.write("".join(f"! {message}\n" for message in dict.fromkeys(said)) + _outcome(result))
    return result


def _outcome(result: Any) -> str:
    """Return what came out, for a person: figures, then the adapter's folder and the loss curve."""
    from pipeline.training.curve import CURVE
    from pipeline.training.progress import duration

    losses = [f"training loss {result.train_loss_first:.3f} to {result.train_loss_last:.3f}"]
    if result.valid_loss_best is not None:
        losses.append(f"validation loss {result.valid_loss_first:.3f} to {result.valid_loss_best:.3f}")
    lines = [f"{result.examples} examples, {result.steps} steps, {duration(result.seconds)}: {', '.join(losses)}"]
    lines += [f"{len(result.too_long)} examples were too long and left out"] if result.too_long else []
    curve = Path(result.adapter) / CURVE
    return "\n".join([*lines, result.adapter, *([str(curve)] if curve.exists() else [])]) + "\n"


def _warn(message: str) -> None:
    sys.stderr.write(f"! {message}\n")


def _line(values: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(values).decode() + "\n")
    sys.stdout.flush()


def _postpone(_signal: int, _frame: object) -> None:
    raise Postponed("Stopped on request.", "The same command goes on from here.")
