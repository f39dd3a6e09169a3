"""A token from a file that is readable by its owner alone, from the environment, or from the keychain."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from config.errors import SettingsError
from config.keychain import HUB, from_keychain
from config.secret import Secret
from config.settings import Publish

HUB_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
SETTING = "publish.token_file"


def hub_token(
    settings: Publish,
    environment: Mapping[str, str] | None = None,
    keychain: Callable[[], str | None] | None = None,
) -> Secret:
    """Return the Hub's token; raise SettingsError for an unsafe file or without one, KeychainClosed where it is locked.

    It is looked for in the file the settings name, the environment, and the keychain.
    """
    if settings.token_file:
        return Secret(from_file(Path(settings.token_file).expanduser(), SETTING))
    for variable in HUB_VARIABLES:
        value = (os.environ if environment is None else environment).get(variable, "").strip()
        if value:
            return Secret(value)
    if found := (keychain or (lambda: from_keychain(HUB, SETTING)))():
        return Secret(found)
    raise SettingsError(
        "There is no token for the Hugging Face Hub.",
        "Set HF_TOKEN, or name a file in publish.token_file; without one the release stays in its folder.",
    )


def from_file(path: Path, setting: str) -> str:
    """Return the token in a file; raise SettingsError when others can read it or it holds something else."""
    try:
        mode = path.stat().st_mode
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The token file {path} can't be read.", f"Correct {setting}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"The token file {path} is readable by others.", f"Run: chmod 600 {path}")
    if not value or len(value.split()) != 1:
        raise SettingsError(f"The token file {path} must hold the token and nothing else.", "Correct it.")
    return value
