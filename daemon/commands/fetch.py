"""`fixsmith fetch`: the newest scan of a repository that counts, from GitHub into a folder, for a run by hand."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from config.errors import Error, UsageError
from config.reload import LiveSettings
from config.settings import Settings, Watched
from daemon.arguments import add_config, config_path
from daemon.clock import SystemClock
from daemon.errors import BadDownload, Missing
from daemon.github.check import access
from daemon.github.client import Client
from daemon.github.fetch import Fetcher
from daemon.github.limits import Limits
from daemon.github.poll import Poller
from daemon.mirror import Mirrors
from daemon.notify import Notifier
from daemon.store.database import prepare
from daemon.store.records import Run, WorkflowRunState
from daemon.store.store import Store
from daemon.tokens import github_token

DESCRIPTION = """\
Download what the newest workflow run of a repository uploaded, if it counts: the same rules and checks as the
service's (origin, branch, event, digest). The folder must be empty; `process_artifacts` goes on from there."""
KEPT_DAYS = 90  # GitHub keeps artifacts no longer unless told to


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("fetch", description=DESCRIPTION, help="the newest scan from GitHub, into a folder")
    parser.add_argument("repository", metavar="OWNER/NAME", nargs="?", help="default: the one that is watched")
    parser.add_argument(
        "--artifacts-dir", metavar="DIR", default="artifacts", help="folder to fill (default: artifacts)"
    )
    parser.add_argument("--branch", metavar="NAME", help="its branch (default: the settings', else its default branch)")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fetch; say what came and how to go on."""
    live, folder = LiveSettings(config_path(arguments)), Path(arguments.artifacts_dir).expanduser()
    settings = live.current()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} isn't an empty folder.", "Name another with --artifacts-dir.")
    watched = _watched(settings, arguments.repository, arguments.branch)
    taken = _fetch(live, watched, folder)
    count = sum(1 for _ in folder.iterdir())
    sys.stdout.write(
        f"{count} artifact{'s' if count != 1 else ''} of workflow run {taken.key.split(':')[2]} in {folder}.\n"
        f"Next: process_artifacts --artifacts-dir {folder} --repo {watched.name} --branch {watched.branch} "
        f"--commit {taken.commit_sha} --source CLONE\n"
    )
    return 0


def _watched(settings: Settings, name: str | None, branch: str | None) -> Watched:
    """Return the repository as the settings watch it, else by its name and default branch."""
    known = settings.github.repositories
    if name is None:
        if len(known) != 1:
            raise UsageError(f"{len(known)} repositories are watched.", "Give OWNER/NAME.")
        name = known[0].name
    found = next((one for one in known if one.name == name), None)
    if found is None:
        asked = access(settings.github, github_token(settings.github), name, branch or "")
        found = Watched(name=name, branch=asked.branch)
    return msgspec.structs.replace(found, branch=branch or found.branch, mirror=False)


def _fetch(live: LiveSettings, watched: Watched, folder: Path) -> Run:
    """Download the newest workflow run that counts; the folder appears whole. The ledger is for this once."""
    settings = live.current()
    github = msgspec.structs.replace(settings.github, first_days=KEPT_DAYS, artifact_wait_minutes=0)
    once = msgspec.structs.replace(settings.daemon, attempts=1)
    settings = msgspec.structs.replace(settings, github=github, daemon=once)
    asked, clock = github.of(watched), SystemClock()
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fixsmith-", dir=folder.absolute().parent) as place:
        prepare(Path(place) / "state.db", Path(place) / "backups")
        client = Client(asked, github_token(asked), clock, Limits(clock))
        with closing(Store.open(Path(place) / "state.db")) as store, closing(client):
            Poller(store, client, clock).poll(watched, settings)
            downloads = Path(place) / "downloads"
            notifier = Notifier(store, live, clock, lambda *_: None)
            fetcher = Fetcher(store, client, clock, downloads, Mirrors(Path(place)), notifier)
            for candidate in reversed(store.ledger.due((WorkflowRunState.CANDIDATE,), (watched.name,), clock.now())):
                fetcher.advance(candidate, watched, settings)
                if (taken := store.queue.due(clock.now())) is not None:
                    folder.mkdir(exist_ok=True)
                    Path(taken.folder).rename(folder)
                    return taken
                if broken := store.ledger.recent((WorkflowRunState.PARKED,), 1):
                    raise BadDownload(f"Workflow run {broken[0].id}: {broken[0].reason}", "Try again.")
            raise _nothing(store, watched)


def _nothing(store: Store, watched: Watched) -> Error:
    """Say why nothing came, by the newest workflow run there is."""
    refused = store.ledger.recent(tuple(WorkflowRunState), 1)
    why = f" The newest, {refused[0].id}: {refused[0].reason or refused[0].state}." if refused else ""
    return Missing(
        f"No workflow run of {watched.name} on {watched.branch} in the last {KEPT_DAYS} days can be taken.{why}",
        "Look at its Actions page; `github.repositories` says which runs count.",
    )
