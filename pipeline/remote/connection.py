"""From the settings to a backend: launcher, storage, code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import SettingsError
from config.secret import Secret
from config.settings import Remote
from config.tokens import from_file
from pipeline.remote.backend import RemoteBackend
from pipeline.remote.launcher import Launcher
from pipeline.remote.package import package
from pipeline.remote.plan import Choices, Planner
from pipeline.remote.ray.address import Address, checked
from pipeline.remote.storage.opening import as_seen_there, opened
from pipeline.remote.watch import Patience

TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 - the variable's name
SETUP = "docs/remote.md says how to get a worker; `fixsmith worker check` looks at one."


@contextmanager
def connected(settings: Remote) -> Iterator[RemoteBackend]:
    """Give the backend the settings describe; raise SettingsError for what they lack."""
    backend = RemoteBackend(
        launcher(settings),
        opened(storage(settings)),
        as_seen_there(storage(settings)),
        Planner(package(), Choices(**{name: getattr(settings, name) for name in Choices.__struct_fields__})),
        Patience(
            poll=settings.poll_seconds, lost=settings.lost_seconds, stop=settings.stop_seconds, losses=settings.losses,
            hourly_price=settings.hourly_price, budget=settings.budget,
        ),
    )  # fmt: skip
    try:
        yield backend
    finally:
        backend.close()


def launcher(settings: Remote) -> Launcher:
    """Return what starts trainings."""
    if settings.launcher == "ray":
        from pipeline.remote.ray.launcher import RayLauncher

        return RayLauncher(address(settings), token(settings), workers=settings.workers, gpus=settings.gpus)
    from pipeline.remote.machine import Machine

    machine = Machine(address(settings).host if settings.address else "", settings.python)
    if settings.launcher == "ssh":
        from pipeline.remote.ssh_launcher import SshLauncher

        return SshLauncher(machine, storage(settings), settings.workers)
    from pipeline.remote.slurm_launcher import SlurmLauncher

    gpus = round(settings.workers * settings.gpus)
    return SlurmLauncher(machine, storage(settings), settings.workers, gpus, settings.slurm_options)


def address(settings: Remote) -> Address:
    """Return where the worker is; raise SettingsError when nobody said, RemoteRefused for a way in clear."""
    if not settings.address:
        raise SettingsError("There is no remote worker: remote.address is empty.", SETUP)
    found = checked(settings.address)
    if settings.launcher != "ray" and found.kind != "ssh":
        raise SettingsError(f"remote.launcher {settings.launcher} needs ssh://HOST as remote.address.", SETUP)
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
