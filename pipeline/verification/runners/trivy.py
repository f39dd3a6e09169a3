"""Trivy's configuration scanner."""

from __future__ import annotations

from pathlib import Path

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import INFRASTRUCTURE, FileRunner


class Trivy(FileRunner):
    """Runs `trivy config` on the checks built into the program."""

    name = "trivy"
    scanners: tuple[str, ...] = ("trivy",)
    programs: tuple[str, ...] = ("trivy",)
    patterns = INFRASTRUCTURE
    _OWN_LIMIT = "24h"
    """Trivy gives up after five minutes by itself; verification's own limit is the one that counts."""

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        flags = [
            "--skip-check-update",
            "--quiet",
            "--format=json",
            f"--output={report}",
            f"--timeout={self._OWN_LIMIT}",
        ]
        return [setup.program, "config", *flags, f"--cache-dir={report.parent / 'trivy-cache'}", "."]


class Tfsec(FileRunner):
    """Runs tfsec, Trivy's predecessor, with its ignore comments switched off."""

    name = "tfsec"
    scanners: tuple[str, ...] = ("tfsec",)
    programs: tuple[str, ...] = ("tfsec",)
    patterns = ("*.tf", "*.tf.json", "*.tfvars")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        return [setup.program, ".", "--no-ignores", "--soft-fail", "--no-colour", "--format=json", f"--out={report}"]
