"""Tokens in the system's keychain, asked for in a short-lived process: `python -m config.keychain ACCOUNT`.

Its libraries stay out of the memory of who asks, and a keychain that waits for a password can't hang it.
"""

from __future__ import annotations

import subprocess
import sys

from config.errors import Error
from config.secret import Secret

SERVICE = "fixsmith"
GITHUB, HUB = "github", "huggingface"
SECONDS = 20.0


class KeychainClosed(Error):
    """The keychain is locked or doesn't answer."""


def from_keychain(account: str, setting: str, seconds: float = SECONDS) -> str | None:
    """Return an account's token, None when there is none; raise KeychainClosed when the keychain can't be read.

    `setting` is the one that names a file instead: the way out.
    """
    hint = f"Unlock it, or name a file in {setting}."
    command = [sys.executable, "-m", "config.keychain", account]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise KeychainClosed("The keychain doesn't answer.", hint) from error
    if result.returncode:
        raise KeychainClosed("The keychain is locked or can't be used.", hint)
    return result.stdout.strip() or None


def to_keychain(token: Secret, account: str = GITHUB) -> bool:
    """Put a token into the keychain; False when there is none that can be used."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return False
    try:
        keyring.set_password(SERVICE, account, token.reveal())
    except (KeyringError, RuntimeError):
        return False
    return True


def main(account: str) -> int:
    """Print the account's token for the process that asks; return 1 when the keychain can't be used."""
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        return 0
    try:
        sys.stdout.write(keyring.get_password(SERVICE, account) or "")
    except NoKeyringError:
        return 0
    except (KeyringError, RuntimeError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
