"""Bandit, with `# nosec` ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import FileRunner


class Bandit(FileRunner):
    """Runs Bandit with all tests."""

    name = "bandit"
    scanners: tuple[str, ...] = ("bandit",)
    programs: tuple[str, ...] = ("bandit",)
    patterns = ("*.py", "*.pyw", "*.pyi")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        flags = ["--quiet", "--ignore-nosec", "--exit-zero", "--format=json", f"--output={report}", "--recursive", "."]
        return [setup.program, *flags]

    def broken(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield the files Bandit could not parse: it reads as clean otherwise."""
        for error in document.get("errors", ()):
            yield error["filename"], error["reason"]
