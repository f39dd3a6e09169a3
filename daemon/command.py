"""The flow's command line for a run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from config.settings import Settings, Watched
from daemon.store.records import Run

FLOW = (sys.executable, "-m", "pipeline.process_artifacts")
GIT_SECONDS = 120.0


def command_line(
    flow: tuple[str, ...], run: Run, earlier: Run | None, settings: Settings, workspace: Path, config: Path | None,
    *, fine_tuning: bool,
) -> list[str]:  # fmt: skip
    """Return the command: the run's artifacts, what is known of their source, and the scan before it."""
    options = {
        "--artifacts-dir": run.folder,
        "--output-dir": str(workspace),
        "--config": str(config) if config else None,
        "--repo": run.repository,
        "--branch": run.branch,
        "--commit": run.commit_sha,
    }
    source = source_of(run, settings)
    options["--source"] = source
    if earlier is not None and Path(earlier.folder).is_dir():
        options["--earlier-artifacts"] = earlier.folder
        if source and earlier.commit_sha and has_commit(source, earlier.commit_sha):
            options["--earlier-source"] = tree_of(source, earlier.commit_sha, earlier_tree(run))
    words = [word for name, value in options.items() if value for word in (name, value)]
    return [*flow, *words, *([] if fine_tuning else ["--skip-fine-tuning"]), "--json"]


def source_of(run: Run, settings: Settings) -> str | None:
    """Return the repository's clone when it holds the run's commit; it is fetched from its origin if need be."""
    watched = watched_by_name(settings).get(run.repository or "")
    if watched is None or not watched.source or run.commit_sha is None:
        return None
    source = str(Path(watched.source).expanduser())
    if not has_commit(source, run.commit_sha):
        _git(source, "fetch", "--quiet", "origin", watched.branch)
    return source if has_commit(source, run.commit_sha) else None


def earlier_tree(run: Run) -> Path:
    """Return where the earlier scan's source is laid out for a run; it goes with the run's download."""
    return Path(f"{run.folder}.earlier-source")


def tree_of(source: str, commit: str, target: Path) -> str | None:
    """Lay a commit's files out in a folder, which appears whole; None when git can't."""
    stamp = target / ".git-commit"
    if stamp.exists() and stamp.read_text() == commit:
        return str(target)
    temporary = target.with_name(f".{target.name}")
    for folder in (temporary, target):
        shutil.rmtree(folder, ignore_errors=True)
    temporary.mkdir(parents=True)
    archive = temporary / ".archive.tar"
    if not _git(source, "archive", "--format=tar", "-o", str(archive), commit):
        return None
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(temporary, filter="data")
    except (tarfile.TarError, OSError):
        return None
    archive.unlink()
    (temporary / stamp.name).write_text(commit)
    temporary.replace(target)
    return str(target)


def watched_by_name(settings: Settings) -> dict[str, Watched]:
    """Return the watched repositories by name."""
    return {watched.name: watched for watched in settings.github.repositories}


def has_commit(source: str, commit: str) -> bool:
    """Tell whether a clone holds a commit."""
    return _git(source, "cat-file", "-e", f"{commit}^{{commit}}")


def _git(source: str, *words: str) -> bool:
    command = ["git", "-C", source, "-c", "core.askPass=true", *words]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, timeout=GIT_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0
