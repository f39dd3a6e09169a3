"""`fixsmith publish`: a finished run's release to the Hugging Face Hub, or into a folder."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from daemon.arguments import add_json, add_run, run_of, settings_of, workspace_of


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "publish",
        help="upload a release to the Hugging Face Hub",
        description="Check a finished run's release (secrets, canaries, licences, who can read it) and publish it: one "
        "commit and one tag for each repository. The same again changes nothing; interrupted, it goes on.",
        epilog="Repositories are private unless publish.public names them; public ones need --review and --yes.",
    )
    command.add_argument("--review", action="store_true", help="show cards, files and sizes; send nothing")
    command.add_argument("--yes", action="store_true", help="it was reviewed: publish to public repositories too")
    command.add_argument("--folder", metavar="DIR", help="publish into this folder instead of the Hub")
    add_run(command)
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Publish, or show what would be published; return 0."""
    from pipeline.publishing.upload import check, release_of, upload

    settings = settings_of(arguments)
    workspace = workspace_of(arguments, settings)
    folder = run_of(workspace, arguments.run)
    if arguments.review:
        release = release_of(folder, settings)
        _review(release, settings)
        check(folder, release, settings, [])
        sys.stdout.write("Nothing was found that keeps it from leaving.\n")
        return 0
    target, tokens = _target(arguments, settings)
    published = upload(folder, settings, target, lambda: tokens, progress(arguments.json), reviewed=arguments.yes)
    _settle(workspace, settings)
    for one in published:
        tell(one, arguments.json)
    return 0


def _settle(workspace: Path, settings: Any) -> None:
    """What the service told a person to review is published now: it needs nobody any more."""
    from config.errors import Error
    from daemon.layout import layout_of
    from daemon.places import REVIEW, told
    from daemon.store.store import Store

    layout = layout_of(settings)
    if layout.workspace == workspace and layout.database.exists():
        with suppress(Error), closing(Store.open(layout.database)) as store:
            store.forget(told(REVIEW))


def _target(arguments: argparse.Namespace, settings: Any) -> tuple[Any, list[Any]]:
    from config.tokens import hub_token
    from pipeline.publishing.hub.target import HubTarget
    from pipeline.publishing.local import LocalTarget

    if arguments.folder:
        return LocalTarget(Path(arguments.folder).expanduser().absolute()), []
    token = hub_token(settings.publish)
    return HubTarget(settings.publish, token), [token]


def _review(release: Any, settings: Any) -> None:
    """Print every card whole, every file with its size, and who would be able to read it."""
    from pipeline.publishing.interface import contents

    for part in release.parts:
        files = contents(Path(part.folder))
        seen = "PUBLIC" if part.repository in settings.publish.public else "private"
        lines = [f"{part.repository} ({part.kind}, {seen}), run {release.run}", ""]
        lines += [f"{file.bytes:>12,}  {name}" for name, file in files.items()]
        card = Path(part.folder) / "README.md"
        lines += ["", card.read_text(encoding="utf-8") if card.is_file() else "There is no card.", ""]
        sys.stdout.write("\n".join(lines) + "\n")


def progress(as_json: bool) -> Any:
    """Return what shows how far an upload is."""
    import msgspec

    def say(what: str, done: int, total: int) -> None:
        if as_json:
            line = {"event": "upload", "what": what, "done": done, "total": total}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()
        elif not total:
            sys.stderr.write(f"{what}\n")
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{what} {done / 1e6:.1f} of {total / 1e6:.1f} MB")

    return say


def tell(one: Any, as_json: bool) -> None:
    """Say what became of a repository."""
    import msgspec

    if as_json:
        sys.stdout.write(msgspec.json.encode({"event": "published"} | msgspec.to_builtins(one)).decode() + "\n")
        return
    state = "was there already" if one.already else "published"
    sys.stdout.write(f"{one.url} {state} (tag {one.tag}){': ' + one.note if one.note else ''}\n")
