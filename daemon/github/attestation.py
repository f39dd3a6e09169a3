"""Provenance: `gh attestation verify` is asked, because a signature check of our own would be worth less."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from config.secret import Secret
from daemon.errors import ArtifactRefused, GithubError

SECONDS = 120.0


def verify(path: Path, repository: str, token: Secret) -> None:
    """Raise ArtifactRefused unless GitHub's own tool confirms that a workflow of the repository made the file."""
    program = shutil.which("gh")
    if program is None:
        raise GithubError(
            "An attestation is asked for, and GitHub's `gh` isn't installed.",
            "Install it, or set github.repositories[].attestation to false.",
        )
    environment = {**os.environ, "GH_TOKEN": token.reveal(), "GH_PROMPT_DISABLED": "1"}
    command = [program, "attestation", "verify", str(path), "--repo", repository]
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GithubError(f"`gh attestation verify` failed ({type(error).__name__}).", "It is tried again.") from error
    if result.returncode:
        raise ArtifactRefused(f"{path.name} has no valid attestation of {repository}.", "It is refused.")
