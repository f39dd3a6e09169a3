"""Semgrep and Opengrep, with `nosemgrep` ignored and the user's or the repository's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import FileRunner


class Semgrep(FileRunner):
    """Runs Semgrep offline; no rules come with it."""

    name = "semgrep"
    scanners: tuple[str, ...] = ("semgrep", "semgrep oss", "semgrep pro")
    programs: tuple[str, ...] = ("semgrep",)
    needs_rules = True

    def prepare(self, folder: Path) -> None:
        """Write an empty ignore file: the built-in one skips tests and vendored folders."""
        (folder / ".semgrepignore").touch()

    def environment(self) -> dict[str, str]:
        """Return what keeps it from asking for updates and from sending anything."""
        return {"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        flags = ["--metrics=off", "--disable-version-check", "--no-rewrite-rule-ids", "--no-git-ignore", "--quiet"]
        return [
            setup.program,
            "scan",
            f"--config={setup.rules}",
            *flags,
            "--disable-nosem",
            "--json",
            f"--output={report}",
            ".",
        ]

    def broken(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield the files with errors: Semgrep ends with 0 and reads as clean."""
        for error in document.get("errors", ()):
            paths = {error.get("path"), *(span.get("file") for span in error.get("spans") or ())}
            for path in sorted(path for path in paths if path):
                yield path, str(error.get("type", "error"))


class Opengrep(Semgrep):
    """Runs Opengrep: the same rules and formats."""

    name = "opengrep"
    scanners: tuple[str, ...] = ("opengrep", "opengrep oss")
    programs: tuple[str, ...] = ("opengrep", "opengrep-core")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line, which has no `--metrics`."""
        given = super().command(setup, files, report)
        return [flag for flag in given if flag not in ("--metrics=off", "--disable-version-check")]
