"""`fixsmith models`: what was trained, what it takes, whether it loads, whether a release holds together."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.errors import Error, InputRefused
from daemon.arguments import add_json, add_workspace, workspace_of

SECONDS = 900.0


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "models", help="the models there are", description="List, look at, try, remove and check models."
    )
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = _action(actions, "list", "every model, newest first, with disk use")
    show = _action(actions, "show", "one model: files, digests, training")
    test = _action(actions, "test", "load a model with its base and let it answer once")
    for one in (show, test):
        one.add_argument("model", metavar="RUN/SPECIALIST", help="a model, or `analysis`: the newest of its kind")
    prune = _action(actions, "prune", "remove old models; champions and published ones stay")
    prune.add_argument("--keep", metavar="N", type=int, default=5, help="newest runs that stay (default: 5)")
    prune.add_argument("--yes", action="store_true", help="remove them; without it they are only named")
    rollback = _action(actions, "rollback", "make the champion before this one the champion again")
    rollback.add_argument("specialist", choices=("analysis", "codefix", "single"), help="which one")
    verify = _action(actions, "verify", "check a release's files, origin, bill and signature, without network")
    verify.add_argument("path", metavar="PATH", help="a release's folder, or one downloaded repository")
    verify.add_argument("--public-key", metavar="FILE", help="the signer's public key (PEM)")
    for one in (listing, show, test, prune, rollback, verify):
        add_json(one)


def _action(actions: Any, name: str, summary: str) -> Any:
    parser = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    add_workspace(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do the action; return 0."""
    action: Callable[[argparse.Namespace, Path], None] = {
        "list": _list, "show": _show, "test": _test, "prune": _prune, "rollback": _rollback, "verify": _verify,
    }[arguments.action]  # fmt: skip
    action(arguments, workspace_of(arguments))
    return 0


def _list(arguments: argparse.Namespace, workspace: Path) -> None:
    from pipeline.publishing.registry import models

    found = models(workspace)
    _print(found, arguments.json)
    if not arguments.json:
        _write(f"{sum(one.bytes for one in found) / 1e6:.1f} MB in {workspace}" if found else "There is no model yet.")


def _print(found: Any, as_json: bool) -> None:
    import msgspec

    for one in found:
        if as_json:
            _write(msgspec.json.encode(one).decode())
            continue
        marks = [word for word in ("champion", "published", "newest", "damaged") if getattr(one, word)]
        _write(f"{one.run}/{one.specialist:9} {one.began}  {one.bytes / 1e6:8.1f} MB  {one.base}  {', '.join(marks)}")


def _show(arguments: argparse.Namespace, workspace: Path) -> None:
    import msgspec

    from pipeline.publishing.registry import find
    from pipeline.stage import MANIFEST, Manifest, digest_folder

    model = find(workspace, arguments.model)
    manifest = msgspec.json.decode((Path(model.folder).parent / MANIFEST).read_bytes(), type=Manifest)
    story = {"model": model, "files": digest_folder(Path(model.folder)), "counts": manifest.counts}
    text = msgspec.json.encode(story)
    _write((text if arguments.json else msgspec.json.format(text)).decode())


def _test(arguments: argparse.Namespace, workspace: Path) -> None:
    import subprocess

    from pipeline.models.base import resolve
    from pipeline.publishing.registry import find

    model = find(workspace, arguments.model)
    base = resolve(model.base)
    command = [sys.executable, "-m", "pipeline.publishing.loading", str(base.path), model.folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Error(
            f"{model.run}/{model.specialist} didn't answer within {SECONDS:.0f} s.", "Is the machine short of memory?"
        ) from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Error(f"{model.run}/{model.specialist} doesn't load: {said}", "Train again.")
    _write(done.stdout.strip())


def _prune(arguments: argparse.Namespace, workspace: Path) -> None:
    from pipeline.lock import exclusive
    from pipeline.publishing.registry import prune

    with exclusive(workspace):
        gone = prune(workspace, max(1, arguments.keep), really=arguments.yes)
    _print(gone, arguments.json)
    if not arguments.json:
        _write(f"{len(gone)} models {'removed' if arguments.yes else 'would be removed; --yes removes them'}.")


def _rollback(arguments: argparse.Namespace, workspace: Path) -> None:
    import msgspec

    from pipeline.champions import folder, roll_back
    from pipeline.lock import exclusive

    with exclusive(workspace):
        champion = roll_back(workspace, arguments.specialist)
    if arguments.json:
        _write(msgspec.json.encode(champion).decode())
    else:
        _write(f"{champion.run}/{champion.specialist} is the champion again: {folder(workspace, champion)}")


def _verify(arguments: argparse.Namespace, _: Path) -> None:
    import msgspec

    from pipeline.publishing.verify import verify

    key = Path(arguments.public_key).expanduser() if arguments.public_key else None
    checks = verify(Path(arguments.path).expanduser(), key)
    for one in checks:
        _write(msgspec.json.encode(one).decode() if arguments.json else f"{one.state:8}  {one.name}: {one.detail}")
    broken = [one for one in checks if one.state == "broken"]
    if broken:
        raise InputRefused(f"{len(broken)} of {len(checks)} checks failed.", "Don't use these files.")


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
