"""The LaunchAgent's property list: made, checked key by key, and read back."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import msgspec

from launchagent.interface import LABEL, ServiceError, Specification, search_path

THROTTLE_SECONDS = 30
OWNER_ONLY = 0o077
LOG = "launchd.log"


class KeepAlive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Start again after anything but exit code 0."""

    SuccessfulExit: bool


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys that are used, by launchd's names and types; nothing else may be in the file."""

    Label: str
    ProgramArguments: list[str]
    WorkingDirectory: str
    EnvironmentVariables: dict[str, str]
    StandardOutPath: str
    StandardErrorPath: str
    KeepAlive: KeepAlive
    RunAtLoad: bool = True
    ThrottleInterval: int = THROTTLE_SECONDS
    ExitTimeOut: int = 150
    Umask: int = OWNER_ONLY
    ProcessType: str = "Standard"  # `Background` would slow training down many times


def agent_of(specification: Specification) -> Agent:
    """Return the agent for a service. Bad settings end it with 0 (`--stay-down`): it stays down."""
    return Agent(
        Label=LABEL,
        ProgramArguments=[*specification.arguments, "--stay-down"],
        WorkingDirectory=str(specification.folder),
        EnvironmentVariables={"PATH": search_path(), "PYTHONUNBUFFERED": "1"},
        StandardOutPath=str(specification.logs / LOG),
        StandardErrorPath=str(specification.logs / LOG),
        KeepAlive=KeepAlive(SuccessfulExit=False),
        ExitTimeOut=specification.stop_seconds,
    )


def encode(agent: Agent) -> bytes:
    """Return the file's bytes, checked."""
    check(agent)
    return plistlib.dumps(msgspec.to_builtins(agent), sort_keys=True)


def decode(content: bytes) -> Agent:
    """Return the agent in a file; raises ServiceError when it isn't one that we would write."""
    try:
        loaded: Any = plistlib.loads(content)
        return msgspec.convert(loaded, Agent)
    except (plistlib.InvalidFileException, ExpatError, msgspec.ValidationError, ValueError) as error:
        raise ServiceError(
            f"The LaunchAgent's file can't be read: {error}.", "Run `fixsmith install` again."
        ) from error


def check(agent: Agent) -> None:
    """Raise ServiceError for what launchd would take and then fail at: relative paths, secrets, odd times."""
    paths = [agent.ProgramArguments[0], agent.WorkingDirectory, agent.StandardOutPath, agent.StandardErrorPath]
    for path in paths:
        if not Path(path).is_absolute():
            raise ServiceError(f"{path} isn't an absolute path.", "Give absolute paths.")
    words = [*agent.ProgramArguments, *agent.EnvironmentVariables, *agent.EnvironmentVariables.values()]
    if any(_looks_secret(word) for word in words):
        raise ServiceError("A token would stand in the LaunchAgent's file.", "Put it into the keychain.")
    if agent.ExitTimeOut <= 0 or agent.ThrottleInterval < 10:
        raise ServiceError("The LaunchAgent's times can't work.", "Correct daemon.stop_seconds.")


def _looks_secret(word: str) -> bool:
    return word.startswith(("ghp_", "gho_", "ghs_", "github_pat_", "hf_")) or word.upper().endswith("_TOKEN")
