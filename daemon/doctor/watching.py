"""Watching: settings, token, repositories, the store, the background service."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from config.errors import Error
from config.privacy import endangered, silent, warning
from config.secret import Secret
from config.settings import Github, Watched
from daemon.command import is_clone
from daemon.doctor.interface import Circumstances, Finding, Level
from daemon.errors import StoreError
from daemon.github.check import access
from daemon.identity import holder
from daemon.layout import layout_of
from daemon.store.database import is_sound
from daemon.tokens import ALONE, github_token, only_here


def settings(circumstances: Circumstances) -> Iterator[Finding]:
    """The settings are valid: they were read."""
    yield Finding("settings", Level.OK, str(circumstances.config or "the defaults"))


def github(circumstances: Circumstances) -> Iterator[Finding]:
    """The token, and what it may see."""
    chosen = circumstances.settings.github
    if not chosen.repositories:
        yield Finding("GitHub", Level.NOTE, "no repository is watched", "`fixsmith init` adds one.")
        return
    tokens: dict[Github, Secret] = {}
    for watched in chosen.repositories:
        asked = chosen.of(watched)
        if asked not in tokens:
            try:
                tokens[asked] = github_token(asked)
            except Error as error:
                yield Finding("token", Level.FAILURE, f"{watched.name}: {error.message}", error.hint)
                continue
            yield _token(asked)
        if circumstances.network:
            yield _repository(asked, tokens[asked], watched)


def _token(asked: Github) -> Finding:
    variable = only_here(asked)
    if variable is None:
        return Finding("token", Level.OK, f"found for {asked.base_url}")
    return Finding("token", Level.WARNING, f"only in ${variable}, which a background service doesn't have", ALONE)


def _repository(asked: Github, token: Secret, watched: Watched) -> Finding:
    try:
        found = access(asked, token, watched.name, watched.branch)
    except Error as error:
        return Finding(watched.name, Level.FAILURE, error.message, error.hint)
    if watched.id and found.id != watched.id:
        return Finding(
            watched.name, Level.FAILURE, f"is repository {found.id} now", "Somebody may have taken the name."
        )
    if watched.source and not is_clone(Path(watched.source).expanduser()):
        return Finding(watched.name, Level.WARNING, f"{watched.source} isn't a clone", "Correct its `source`.")
    runs = f"{found.runs} workflow runs on {found.branch}"
    if found.name.lower() != watched.name.lower():
        return Finding(watched.name, Level.NOTE, f"is called {found.name} now; {runs}", "Write the new name.")
    return Finding(watched.name, Level.OK, runs)


def store(circumstances: Circumstances) -> Iterator[Finding]:
    """The database is in order, and who works on it."""
    layout = layout_of(circumstances.settings)
    held = holder(layout.lock)
    yield Finding("service", Level.OK if held else Level.NOTE, f"process {held.pid}" if held else "not running")
    if layout.database.exists():
        try:
            sound = is_sound(layout.database, read_only=True)
        except StoreError as error:
            yield Finding("database", Level.FAILURE, error.message, error.hint)
            return
        advice = "" if sound else "The next start puts the newest backup in its place."
        yield Finding("database", Level.OK if sound else Level.FAILURE, "sound" if sound else "damaged", advice)


def background(circumstances: Circumstances) -> Iterator[Finding]:
    """The installed service. That room is below the same roof as this one, so it is asked for by name."""
    manager = importlib.import_module("launchagent.manager").manager()
    try:
        found = manager.condition()
    except Error as error:
        yield Finding("background", Level.NOTE, error.message, error.hint)
        return
    for problem in found.problems:
        yield Finding("background", Level.FAILURE, problem)
    state = "loaded" if found.loaded else "installed, not loaded" if found.installed else "not installed"
    level = Level.OK if found.loaded else Level.NOTE
    advice = (
        "" if found.loaded else "`fixsmith start` starts it." if found.installed else "`fixsmith install` does that."
    )
    yield Finding("background", level, state, advice)


def privacy(circumstances: Circumstances) -> Iterator[Finding]:
    """Folders that macOS may keep from a background service, and whether they answer at all."""
    for path in endangered(circumstances.settings, circumstances.config):
        if silent((path,)) is None:
            yield Finding("privacy", Level.WARNING, warning(path))
        else:
            yield Finding("privacy", Level.FAILURE, f"{path} doesn't answer", warning(path))
