"""hadolint, with its ignore pragmas switched off."""

from __future__ import annotations

from pathlib import Path

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import FileRunner


class Hadolint(FileRunner):
    """Runs hadolint without any configuration; the report is stdout."""

    name = "hadolint"
    scanners: tuple[str, ...] = ("hadolint",)
    programs: tuple[str, ...] = ("hadolint",)
    patterns = ("dockerfile", "dockerfile.*", "*.dockerfile", "containerfile", "containerfile.*")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        return [setup.program, "--no-fail", "--disable-ignore-pragma", "--format=json", *files]
