"""The flow's command line for a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from config.settings import Settings, Watched
from daemon.store.records import Run

FLOW = (sys.executable, "-m", "daemon.leash")
GIT_SECONDS = 120.0


def command_line(
    flow: tuple[str, ...], run: Run, earlier: Run | None, settings: Settings, workspace: Path, config: Path | None,
    *, fine_tuning: bool, mirror: Path | None = None,
) -> list[str]:  # fmt: skip
    """Return the command: the run's artifacts, what is known of their source, and the scan before it.

    `mirror` is where the service keeps its own clone of the run's repository.
    """
    options = {
        "--artifacts-dir": run.folder,
        "--output-dir": str(workspace),
        "--config": str(config) if config else None,
        "--repo": run.repository,
        "--branch": run.branch,
        "--commit": run.commit_sha,
    }
    source = source_of(run, settings, mirror)
    options["--source"] = source
    if earlier is not None and Path(earlier.folder).is_dir():
        options["--earlier-artifacts"] = earlier.folder
        if source and earlier.commit_sha and has_commit(source, earlier.commit_sha):
            options["--earlier-source"] = earlier.commit_sha
    words = [word for name, value in options.items() if value for word in (name, value)]
    return [*flow, *words, *([] if fine_tuning else ["--skip-fine-tuning"]), "--json"]


def source_of(run: Run, settings: Settings, mirror: Path | None) -> str | None:
    """Return the clone that holds the run's commit: the person's, fetched from its origin if need be, or ours."""
    watched = watched_by_name(settings).get(run.repository or "")
    if watched is None or run.commit_sha is None:
        return None
    if not watched.source:
        holds = mirror is not None and mirror.is_dir() and has_commit(str(mirror), run.commit_sha)
        return str(mirror) if holds else None
    source = str(Path(watched.source).expanduser())
    if not has_commit(source, run.commit_sha):
        _git(source, "fetch", "--quiet", "origin", watched.branch)
    return source if has_commit(source, run.commit_sha) else None


def watched_by_name(settings: Settings) -> dict[str, Watched]:
    """Return the watched repositories by name."""
    return {watched.name: watched for watched in settings.github.repositories}


def is_clone(folder: Path) -> bool:
    """Tell whether a folder is a repository of git's, with or without files beside it."""
    return (folder / ".git").exists() or (folder / "HEAD").is_file()


def has_commit(source: str, commit: str) -> bool:
    """Tell whether a clone holds a commit."""
    return _git(source, "cat-file", "-e", f"{commit}^{{commit}}")


def _git(source: str, *words: str) -> bool:
    command = ["git", "-C", source, "-c", "core.askPass=true", *words]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, timeout=GIT_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0
