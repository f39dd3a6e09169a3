"""From the settings to a backend: launcher, storage, code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import SettingsError
from config.secret import Secret
from config.sections.remote import WorkerChoices
from config.settings import Remote, Settings
from config.tokens import from_file
from pipeline.remote.backend import RemoteBackend
from pipeline.remote.launcher import Launcher
from pipeline.remote.package import package
from pipeline.remote.plan import Planner
from pipeline.remote.ray.address import Address, checked
from pipeline.remote.storage.opening import as_seen_there, opened
from pipeline.remote.watch import Patience

TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 - the variable's name
SETUP = "docs/remote.md says how to get a worker; `fixsmith worker check` looks at one."


@contextmanager
def connected(settings: Settings) -> Iterator[RemoteBackend]:
    """Give the backend the settings describe; raise SettingsError for what they lack."""
    remote = settings.remote
    backend = RemoteBackend(
        launcher(settings),
        opened(storage(remote)),
        as_seen_there(storage(remote)),
        Planner(package(), WorkerChoices(**{name: getattr(remote, name) for name in WorkerChoices.__struct_fields__})),
        Patience(
            poll=remote.poll_seconds, lost=remote.lost_seconds, stop=remote.stop_seconds, losses=remote.losses,
            hourly_price=remote.hourly_price, budget=remote.budget,
        ),
    )  # fmt: skip
    try:
        yield backend
    finally:
        backend.close()


def launcher(settings: Settings) -> Launcher:
    """Return what starts trainings: `fine_tuning.backend`; Ray where that is this machine's own."""
    remote, kind = settings.remote, settings.fine_tuning.backend
    if kind in ("mlx", "ray"):
        from pipeline.remote.ray.launcher import RayLauncher

        return RayLauncher(address(remote, "ray"), token(remote), workers=remote.workers, gpus=remote.gpus)
    from pipeline.remote.machine import Machine

    here = kind == "slurm" and not remote.address
    machine = Machine("" if here else address(remote, kind).host, remote.python)
    if kind == "ssh":
        from pipeline.remote.ssh_launcher import SshLauncher

        return SshLauncher(machine, storage(remote), remote.workers)
    from pipeline.remote.slurm_launcher import SlurmLauncher

    gpus = round(remote.workers * remote.gpus)
    return SlurmLauncher(machine, storage(remote), remote.workers, gpus, remote.slurm_options)


def address(settings: Remote, kind: str) -> Address:
    """Return where the worker is; raise SettingsError when nobody said, RemoteRefused for a way in clear."""
    if not settings.address:
        raise SettingsError("There is no remote worker: remote.address is empty.", SETUP)
    found = checked(settings.address)
    if kind != "ray" and found.kind != "ssh":
        raise SettingsError(f"The {kind} backend needs ssh://HOST as remote.address.", SETUP)
    return found


def storage(settings: Remote) -> str:
    """Return the storage's address."""
    if not settings.storage:
        raise SettingsError("There is no place for checkpoints and results: remote.storage is empty.", SETUP)
    return str(Path(settings.storage).expanduser()) if settings.storage.startswith("~") else settings.storage


def token(settings: Remote) -> Secret:
    """Return the cluster's token; there is no way without one."""
    if settings.token_file:
        return Secret(from_file(Path(settings.token_file).expanduser(), "remote.token_file"))
    if value := os.environ.get(TOKEN, "").strip():
        return Secret(value)
    raise SettingsError(
        "There is no token for the Ray cluster.", f"Name a file in remote.token_file, or set {TOKEN}. {SETUP}"
    )
