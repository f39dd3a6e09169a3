"""Gitleaks, with `gitleaks:allow` ignored and secrets left out of the report."""

from __future__ import annotations

from pathlib import Path

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import FileRunner


class Gitleaks(FileRunner):
    """Runs `gitleaks dir` with its own rules."""

    name = "gitleaks"
    scanners: tuple[str, ...] = ("gitleaks",)
    programs: tuple[str, ...] = ("gitleaks",)

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        flags = ["--redact", "--no-banner", "--exit-code=0", "--ignore-gitleaks-allow", "--log-level=error"]
        return [setup.program, "dir", ".", *flags, "--report-format=json", f"--report-path={report}"]
