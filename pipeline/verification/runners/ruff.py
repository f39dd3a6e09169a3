"""ruff's flake8-bandit rules, with `# noqa` ignored."""

from __future__ import annotations

from pathlib import Path

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import FileRunner


class Ruff(FileRunner):
    """Runs ruff without any configuration of the repository's."""

    name = "ruff"
    scanners: tuple[str, ...] = ("ruff",)
    programs: tuple[str, ...] = ("ruff",)
    patterns = ("*.py", "*.pyi", "*.pyw")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        flags = ["--isolated", "--no-cache", "--select=S", "--ignore-noqa", "--exit-zero", "--quiet"]
        return [setup.program, "check", *flags, "--output-format=sarif", f"--output-file={report}", *files]
