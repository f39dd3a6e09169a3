"""What the repositories of a release are called."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from config.errors import SettingsError
from config.settings import Settings
from pipeline.publishing.interface import Kind

PARTS: dict[str, tuple[str, Kind]] = {
    "analysis": ("analysis", "model"),
    "codefix": ("codefix", "model"),
    "single": ("single", "model"),
    "dataset": ("data", "dataset"),
}
"""Folder of a release → end of its repository's name, and the repository's kind."""
PREFIX = "prefix"
"""Under what stage `publish` remembers, in its counts, which prefix its cards name."""


def repository(settings: Settings, part: str, began: str) -> str:
    """Return `owner/name-analysis` for a part; with naming `timestamp`, the time the run began at its end."""
    check_prefix(settings)
    name = f"{settings.fine_tuning.hf_repo_prefix}-{PARTS[part][0]}"
    if settings.publish.naming == "fixed":
        return name
    return f"{name}-{datetime.fromisoformat(began).strftime('%Y%m%d-%H%M%S')}"


def as_laid_out(settings: Settings, prefix: str) -> Settings:
    """Return the settings with the prefix a release was laid out for, which its cards name; "" leaves them be.

    A worker's recipe adds to it. Raises SettingsError when today's settings name another.
    """
    ours = settings.fine_tuning.hf_repo_prefix
    if not prefix or prefix == ours:
        return settings
    if not ours or not prefix.startswith(f"{ours}-"):
        raise SettingsError(
            f"The release was laid out for {prefix}, and fine_tuning.hf_repo_prefix is {ours or 'empty'}.",
            "Set it back, or lay the release out again: `--only publish`.",
        )
    return msgspec.structs.replace(
        settings, fine_tuning=msgspec.structs.replace(settings.fine_tuning, hf_repo_prefix=prefix)
    )


def check_prefix(settings: Settings) -> None:
    """Raise SettingsError when repositories can't be named."""
    if not settings.fine_tuning.hf_repo_prefix:
        raise SettingsError("The repositories have no name.", "Set fine_tuning.hf_repo_prefix to `owner/name`.")


def began(run: Path) -> str:
    """Return when a run's first stage was handed over, ISO 8601 in UTC: the same however often later ones repeat."""
    path = run / "collect" / "manifest.json"
    seconds = (path if path.exists() else run).stat().st_mtime
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0).isoformat()
