"""zizmor, offline, with its ignore comments switched off."""

from __future__ import annotations

from pathlib import Path

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import FileRunner


class Zizmor(FileRunner):
    """Runs zizmor on workflows and actions; the report is stdout."""

    name = "zizmor"
    scanners: tuple[str, ...] = ("zizmor",)
    programs: tuple[str, ...] = ("zizmor",)
    patterns = ("*.github/workflows/*.yml", "*.github/workflows/*.yaml", "action.yml", "action.yaml", "dependabot.y*ml")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        flags = ["--offline", "--no-config", "--no-ignores", "--no-exit-codes", "--no-progress", "--quiet"]
        flags.append("--persona=auditor")
        return [setup.program, *flags, "--format=json", *files]
