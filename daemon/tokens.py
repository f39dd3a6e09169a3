"""The token of GitHub: from a file, the environment or the keychain, in that order."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from config.keychain import GITHUB, KeychainClosed, from_keychain
from config.secret import Secret
from config.settings import Github
from config.tokens import from_file
from daemon.errors import TokenRefused

VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
ALONE = "`fixsmith init` keeps it for the service, or name a file in github.token_file."
HINT = "Run `fixsmith init`, which puts it into the keychain, or name a file in github.token_file."


def github_token(
    settings: Github,
    environment: Mapping[str, str] | None = None,
    keychain: Callable[[], str | None] | None = None,
) -> Secret:
    """Return the token; raises SettingsError for an unsafe file, TokenRefused when there is none."""
    if settings.token_file:
        return Secret(from_file(Path(settings.token_file).expanduser(), "github.token_file"))
    for variable in VARIABLES:
        value = (os.environ if environment is None else environment).get(variable, "").strip()
        if value:
            return Secret(value)
    try:
        found = (keychain or (lambda: from_keychain(GITHUB, "github.token_file")))()
    except KeychainClosed as error:
        raise TokenRefused(error.message, error.hint) from error
    if not found:
        raise TokenRefused("There is no GitHub token.", HINT)
    return Secret(found)


def only_here(
    settings: Github, environment: Mapping[str, str] | None = None, keychain: Callable[[], str | None] | None = None
) -> str | None:
    """Return the variable that alone holds the token, None where a service without this environment finds one, too."""
    values = os.environ if environment is None else environment
    variable = next((name for name in VARIABLES if values.get(name, "").strip()), None)
    if settings.token_file or variable is None:
        return None
    try:
        found = (keychain or (lambda: from_keychain(GITHUB, "github.token_file")))()
    except KeychainClosed:
        return variable
    return None if found else variable
