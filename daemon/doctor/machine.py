"""The machine: Python, packages, disk, memory, folders, tools."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from daemon.conditions.sensors import sensors_of
from daemon.doctor.interface import Circumstances, Finding, Level
from daemon.layout import ADVICE, layout_of, obstacle

GIGABYTE = 1024**3
NEEDED = ("mlx", "mlx_lm", "msgspec", "yaml", "requests", "watchdog", "rich", "tree_sitter")


def python(_: Circumstances) -> Iterator[Finding]:
    """Python and the packages."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("Python", Level.OK if fine else Level.FAILURE, version, "" if fine else "Use Python 3.11 to 3.13.")
    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        yield Finding("packages", Level.FAILURE, f"missing: {', '.join(absent)}", "Run `make setup`.")
    else:
        yield Finding("packages", Level.OK, "all there")


def storage(circumstances: Circumstances) -> Iterator[Finding]:
    """The workspace can be written, and there is space."""
    workspace = layout_of(circumstances.settings).workspace
    if (found := obstacle(workspace)) is not None:
        yield Finding("workspace", Level.FAILURE, found, ADVICE)
        return
    yield Finding("workspace", Level.OK, str(workspace))
    there = next(folder for folder in (workspace, *workspace.parents) if folder.exists())
    free = shutil.disk_usage(there).free / GIGABYTE
    wanted = circumstances.settings.conditions.disk_resume_gigabytes
    level = Level.OK if free >= wanted else Level.WARNING
    yield Finding(
        "disk", level, f"{free:.0f} GB free", "" if free >= wanted else f"Free some: {wanted:g} GB are wanted."
    )


def memory(_: Circumstances) -> Iterator[Finding]:
    """The machine's memory, against what training takes."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    enough = total >= 7.5
    advice = "" if enough else "Use `embedded` as fine_tuning.base_model_name."
    yield Finding("memory", Level.OK if enough else Level.WARNING, f"{total:.0f} GB", advice)


def tools(_: Circumstances) -> Iterator[Finding]:
    """git."""
    git = shutil.which("git")
    yield Finding("git", Level.OK if git else Level.WARNING, git or "not found", "" if git else "Install git.")


def conditions(circumstances: Circumstances) -> Iterator[Finding]:
    """What the machine says about power and heat."""
    layout = layout_of(circumstances.settings)
    there = next(folder for folder in (layout.state, *layout.state.parents) if folder.exists())
    readings = sensors_of(there).read()
    power = {True: "on mains power", False: "on battery", None: "power source unknown"}[readings.on_mains]
    thermal = "unknown" if readings.thermal is None else readings.thermal.name.lower()
    yield Finding("conditions", Level.OK, f"{power}, thermal pressure {thermal}")
    wanted = circumstances.settings.conditions
    unknown = (
        ("user_idle_minutes", wanted.user_idle_minutes > 0 and readings.user_idle is None),
        ("display_off_only", wanted.display_off_only and readings.display_on is None),
    )
    for key in (key for key, is_unknown in unknown if is_unknown):
        detail = f"conditions.{key} has no effect: this machine doesn't say"
        yield Finding("conditions", Level.WARNING, detail, "Use conditions.quiet_hours instead.")


def model(circumstances: Circumstances) -> Iterator[Finding]:
    """The base model: embedded, a folder, or in the Hub's cache."""
    name = circumstances.settings.fine_tuning.base_model_name
    if name == "embedded" or Path(name).expanduser().is_dir():
        yield Finding("base model", Level.OK, name)
        return
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cached = home / "hub" / f"models--{name.replace('/', '--')}" / "snapshots"
    if cached.is_dir():
        yield Finding("base model", Level.OK, f"{name}, downloaded")
    else:
        yield Finding("base model", Level.NOTE, f"{name} isn't downloaded yet", "The first training downloads it.")
