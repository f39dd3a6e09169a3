"""The tokens of GitHub and of the Hugging Face Hub: from a file, the environment or the keychain, in that order.

The keychain is asked in a short-lived process: its libraries stay out of the service's memory,
and a keychain that waits for a password can't hang it. `python -m daemon.tokens` is that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from config.errors import SettingsError
from config.secret import Secret
from config.settings import Github, Publish, Settings
from config.tokens import HUB_VARIABLES, from_file, named_token
from daemon.errors import TokenRefused

SERVICE = "fixsmith"
ACCOUNT = "github"
HUB_ACCOUNT = "huggingface"
VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
KEYCHAIN_SECONDS = 20.0
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
    found = (keychain or from_keychain)()
    if not found:
        raise TokenRefused("There is no GitHub token.", HINT)
    return Secret(found)


def hub_token(
    settings: Publish,
    environment: Mapping[str, str] | None = None,
    keychain: Callable[[], str | None] | None = None,
) -> Secret:
    """Return the Hub's token; raises SettingsError for an unsafe file or when there is none."""
    try:
        return named_token(settings, environment)
    except SettingsError:
        if settings.token_file:
            raise
        found = (keychain or (lambda: from_keychain(account=HUB_ACCOUNT)))()
        if not found:
            raise
        return Secret(found)


def lend_hub_token(settings: Settings) -> None:
    """Put the Hub's token into this process' environment, where a run uploads and only the keychain has it."""
    if settings.fine_tuning.upload_enabled:
        with suppress(SettingsError, TokenRefused):  # the run says what it lacks
            os.environ[HUB_VARIABLES[0]] = hub_token(settings.publish).reveal()


def from_keychain(seconds: float = KEYCHAIN_SECONDS, account: str = ACCOUNT) -> str | None:
    """Return the token in the keychain, None when there is none; raises TokenRefused when it is locked."""
    command = [sys.executable, "-m", "daemon.tokens", account]
    setting = "publish.token_file" if account == HUB_ACCOUNT else "github.token_file"
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise TokenRefused("The keychain doesn't answer.", f"Unlock it, or name a file in {setting}.") from error
    if result.returncode:
        raise TokenRefused("The keychain is locked or can't be used.", f"Unlock it, or name a file in {setting}.")
    return result.stdout.strip() or None


def to_keychain(token: Secret) -> bool:
    """Put the token into the keychain; False when there is none that can be used."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return False
    try:
        keyring.set_password(SERVICE, ACCOUNT, token.reveal())
    except (KeyringError, RuntimeError):
        return False
    return True


def main() -> int:
    """Print the keychain's token for the process that asks; 1 when the keychain can't be used."""
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        return 0
    try:
        sys.stdout.write(keyring.get_password(SERVICE, sys.argv[1] if len(sys.argv) > 1 else ACCOUNT) or "")
    except NoKeyringError:
        return 0
    except (KeyringError, RuntimeError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
