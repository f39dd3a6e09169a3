"""Signatures over a release's files, offline, with a key of your own (`model-signing`: DSSE, in-toto)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.errors import Error, SettingsError
from pipeline.publishing.interface import SIGNATURE

INSTALL = "Install it: pip install 'fixsmith[signing]'."


def sign(folder: Path, key: Path) -> None:
    """Sign every file of a folder into `model.sig`; raise SettingsError when the key can't be used."""
    if not key.is_file() or key.stat().st_mode & 0o077:
        raise SettingsError(f"The signing key {key} is missing or readable by others.", "Correct publish.signing_key.")
    signing = _module("signing")
    try:
        config = signing.Config().use_elliptic_key_signer(private_key=key)
        config.set_hashing_config(_hashing(folder)).sign(folder, folder / SIGNATURE)
    except (ValueError, TypeError, OSError) as error:
        raise SettingsError(f"The signing key {key} can't be used.", "It must be a P-256 key in PEM form.") from error


def check(folder: Path, public_key: Path) -> str | None:
    """Return what is wrong with a folder's signature; None when it is the key's and covers every file."""
    verifying = _module("verifying")
    try:
        config = verifying.Config().use_elliptic_key_verifier(public_key=public_key)
        config.set_hashing_config(_hashing(folder)).verify(folder, folder / SIGNATURE)
    except Exception as error:
        return f"the signature doesn't hold: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return None


def _hashing(folder: Path) -> Any:
    hashing = _module("hashing")
    ignored = [folder / name for name in (SIGNATURE, ".git", ".gitattributes", ".cache")]
    return hashing.Config().set_ignored_paths(paths=ignored, ignore_git_paths=True)


def _module(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"model_signing.{name}")
    except ImportError as error:
        raise Error("Signatures need the package model-signing.", INSTALL) from error
