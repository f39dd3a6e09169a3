"""`fixsmith worker`: the machine that trains elsewhere: look at it, start and end a head of one's own, train, read."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from config.errors import UsageError
from config.sections.training import BACKENDS
from daemon.arguments import add_config, settings_of

FOLDER = "~/.local/share/fixsmith/ray"


def add(subparsers: Any) -> None:
    """Describe the command and its own commands."""
    parser = subparsers.add_parser(
        "worker", help="train on a CUDA machine",
        description="The machine of section `remote` in the settings. On that machine itself, `up` and `down` start "
        "and end a Ray head that listens on its loopback alone and wants a token. docs/remote.md has recipes.",
    )  # fmt: skip
    commands = parser.add_subparsers(dest="worker_command", metavar="COMMAND", required=True)
    up = commands.add_parser("up", help="on the worker: start a Ray head, loopback and token")
    down = commands.add_parser("down", help="on the worker: end it")
    for one in (up, down):
        one.add_argument("--folder", metavar="DIR", default=FOLDER, help=f"token, log, state (default: {FOLDER})")
    up.add_argument("--python", metavar="FILE", default=sys.executable, help="interpreter that has ray and torch")
    up.add_argument("--port", metavar="N", type=int, default=8265, help="of the dashboard (default: 8265)")
    check = commands.add_parser("check", help="is it reached, guarded, and is its storage writable?")
    logs = commands.add_parser("logs", help="what a run's worker wrote")
    cost = commands.add_parser("cost", help="hours and cost of the runs in the storage")
    logs.add_argument("run", nargs="?", metavar="RUN", help="a run's name (default: the newest)")
    finish = commands.add_parser("finish", help="merge a run's adapter on the worker, quantise it, bring it here")
    finish.add_argument("run", nargs="?", metavar="RUN", help="a run's name (default: the newest)")
    finish.add_argument("--to", metavar="DIR", type=Path, required=True, help="folder for the models, made anew")
    finish.add_argument(
        "--quantize", metavar="KIND", choices=("gptq", "awq"), action="append", default=[],
        help="gptq or awq, four bits, calibrated on training examples; may be repeated",
    )  # fmt: skip
    wheel = commands.add_parser("wheel", help="write the worker as a wheel, to be installed on the machine")
    wheel.add_argument("--to", metavar="DIR", type=Path, default=Path(), help="folder (default: this one)")
    _add_prepare(commands)
    run_ = commands.add_parser("run", help="train a data set there: `fixsmith train` with the remote backend")
    from daemon.commands.train import add_options

    add_options(run_)
    run_.add_argument("--rehearse", action="store_true", help="time a few steps and say what all would take; no more")
    for one in (check, logs, cost, finish):
        add_config(one)
    for one in (check, logs, finish):
        one.add_argument("--backend", choices=BACKENDS[1:], help="what starts trainings (default: fine_tuning.backend)")


def _add_prepare(commands: Any) -> None:
    prepare = commands.add_parser("prepare", help="write a spec and its data for a worker you start by hand")
    prepare.add_argument("recipe", metavar="NAME|FILE", help="a worker's recipe: codellama-sast, qwen2.5-coder, …")
    prepare.add_argument("--dataset", metavar="DIR", type=Path, required=True, help="train.jsonl and valid.jsonl")
    prepare.add_argument("--to", metavar="DIR", type=Path, required=True, help="folder to write spec and data to")
    prepare.add_argument("--base", metavar="PATH", default="", help="the base model's folder on the worker")
    prepare.add_argument(
        "--gpu", metavar="NAME", default="", help="estimate time, memory and cost on it: A100, H200, …"
    )
    prepare.add_argument("--tokens-per-second", metavar="N", type=float, help="as measured there, instead of a guess")
    add_config(prepare)


def run(arguments: argparse.Namespace) -> int:
    """Do the command's command."""
    chosen = {"up": _up, "down": _down, "check": _check, "logs": _logs, "cost": _cost, "prepare": _prepare}
    return (chosen | {"run": _run, "finish": _finish, "wheel": _wheel})[arguments.worker_command](arguments)


def _up(arguments: argparse.Namespace) -> int:
    from pipeline.remote.ray import head as heads

    folder = Path(arguments.folder).expanduser()
    head = heads.start(folder, Path(arguments.python).absolute(), arguments.port)
    _say(f"Ray listens on {head.url}, on the loopback alone; the token is in {folder / heads.TOKEN}.")
    _say(f"On your machine: remote.address ssh://HOST/{head.port}, and a copy of the token in remote.token_file.")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    from pipeline.remote.ray import head as heads

    _say("Ended." if heads.end(Path(arguments.folder).expanduser()) else "None was running.")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from pipeline.remote.connection import launcher, storage
    from pipeline.remote.storage.opening import opened

    chosen = _chosen(arguments)
    settings, with_launcher = chosen.remote, launcher(chosen)
    try:
        for line in with_launcher.check():
            _say(line)
    finally:
        with_launcher.close()
    place, content = opened(storage(settings)), str(time.time()).encode()
    place.write("probe", content)
    if place.read("probe") != content:
        raise UsageError("The storage doesn't give back what was put there.", "Check remote.storage.")
    place.delete("probe")
    _say(f"storage {storage(settings)}: written and read")
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    from pipeline.remote import results
    from pipeline.remote.connection import launcher, storage
    from pipeline.remote.launcher import Submission
    from pipeline.remote.storage.opening import as_seen_there, opened

    chosen = _chosen(arguments)
    settings = chosen.remote
    place = opened(storage(settings))
    run = arguments.run or _newest(place)
    if run not in results.runs(place):
        raise UsageError(f"There is no run {run} in the storage.", "`fixsmith worker cost` lists the runs.")
    submission = Submission(
        run=run, number=results.sent(place, run), storage=as_seen_there(storage(settings)), code=""
    )  # fmt: skip
    with_launcher = launcher(chosen)
    try:
        _say(with_launcher.log(submission).rstrip() or "It has written nothing yet.")
    finally:
        with_launcher.close()
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    from pipeline.remote import estimate, prepare, shipped

    plan = shipped.read(arguments.recipe)
    if arguments.gpu:
        settings = _settings(arguments)
        found = estimate.estimate(
            plan.recipe, estimate.SEVEN_BILLION, arguments.gpu, devices=settings.workers,
            tokens=prepare.tokens(arguments.dataset / "train.jsonl", plan.recipe.max_tokens),
            hourly_price=settings.hourly_price, tokens_per_second=arguments.tokens_per_second,
        )  # fmt: skip
        known = "at the measured speed" if found.measured else "guessed from the data sheet"
        cost = f", {found.cost:.2f}" if settings.hourly_price else ""
        _say(f"7B on {arguments.gpu}, {known}: {found.seconds / 3600:.2f} h, {found.memory / 1e9:.0f} GB{cost}")
        estimate.refuse(found, arguments.gpu, settings.budget)
    spec = prepare.prepare(Path(arguments.recipe).stem, plan, arguments.dataset, arguments.to, arguments.base)
    _say(f"{arguments.to / prepare.SPEC}: {spec.base.model}, domains {', '.join(plan.domains)}.")
    return 0


def _cost(arguments: argparse.Namespace) -> int:
    from pipeline.remote import results
    from pipeline.remote.connection import storage
    from pipeline.remote.storage.opening import opened

    settings = _settings(arguments)
    place = opened(storage(settings))
    if not (runs := results.runs(place)):
        _say(f"There is no run in {storage(settings)}.")
    for run in runs:
        hours = results.seconds(place, run) / 3600
        state = "done" if results.result_of(place, run) else "not done"
        price = f", {hours * settings.hourly_price:.2f}" if settings.hourly_price else ""
        _say(f"{run}: {hours:.2f} h{price}, {state}, {results.sent(place, run)} submissions")
    return 0


def _finish(arguments: argparse.Namespace) -> int:
    from daemon.commands import train
    from pipeline.remote.connection import connected, storage
    from pipeline.remote.contract import Finish
    from pipeline.remote.storage.opening import opened

    settings = _chosen(arguments)
    if arguments.to.exists():
        raise UsageError(f"{arguments.to} is there already.", "Name a folder that isn't.")
    run = arguments.run or _newest_trained(opened(storage(settings.remote)))
    with connected(settings) as worker:
        wanted = Finish(merge=True, quantize=tuple(arguments.quantize))
        made = worker.finish(run, wanted, arguments.to, train.tell)
    for one in made.delivered:
        loss = "" if one.loss is None else f", loss {one.loss:.3f}"
        _say(
            f"{arguments.to / one.folder}: {one.bytes / 1e9:.2f} GB{loss}; logits moved by {one.logits_distance:.2%}, "
            f"another first choice at {one.top_changed:.1%} of places"
        )
    return 0


def _wheel(arguments: argparse.Namespace) -> int:
    from importlib.metadata import version

    from pipeline.remote import wheel

    _say(str(wheel.build(arguments.to, version("fixsmith"))))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from daemon.commands import train

    arguments.backend = arguments.backend or _chosen(arguments).fine_tuning.backend
    return train.run(arguments)


def _newest(place: Any) -> str:
    from pipeline.remote import results

    last = [(event.time, run) for run in results.runs(place) if (event := results.last_event(place, run))]
    if not last:
        raise UsageError("No run in the storage has said anything.", "`fixsmith worker cost` lists the runs.")
    return max(last)[1]


def _newest_trained(place: Any) -> str:
    """Return the newest run that made an adapter: no rehearsal, and nothing that finished another."""
    from pipeline.remote import attempt, results

    done = [run for run in results.runs(place) if results.result_of(place, run)]
    made = [run for run in done if not (job := attempt.read_job(place, run)).spec.rehearsal and not job.after]
    last = [(event.time, run) for run in made if (event := results.last_event(place, run))]
    if not last:
        raise UsageError("No run in the storage has made an adapter.", "`fixsmith worker cost` lists the runs.")
    return max(last)[1]


def _chosen(arguments: argparse.Namespace) -> Any:
    """Return the settings with the backend of the worker: the one asked for, else theirs, else Ray."""
    settings = settings_of(arguments)
    kind = arguments.backend or settings.fine_tuning.backend
    fine_tuning = msgspec.structs.replace(settings.fine_tuning, backend="ray" if kind == "mlx" else kind)
    return msgspec.structs.replace(settings, fine_tuning=fine_tuning)


def _settings(arguments: argparse.Namespace) -> Any:
    return settings_of(arguments).remote


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
