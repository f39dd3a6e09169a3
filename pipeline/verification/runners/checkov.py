"""Checkov, whose suppressions can't be switched off: they are refused by text and watched in `skipped`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import INFRASTRUCTURE, FileRunner


class Checkov(FileRunner):
    """Runs Checkov on its own checks, without downloads."""

    name = "checkov"
    scanners: tuple[str, ...] = ("checkov",)
    programs: tuple[str, ...] = ("checkov",)
    patterns = INFRASTRUCTURE

    def environment(self) -> dict[str, str]:
        """Return what makes it look into `.github`, and keeps it from asking anyone."""
        return {"CKV_IGNORE_HIDDEN_DIRECTORIES": "false", "BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"}

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line; the report is stdout."""
        flags = ["--quiet", "--compact", "--skip-download", "--soft-fail", "--output=json"]
        frameworks = ["--skip-framework", "sca_package", "sca_image", "secrets"]
        return [setup.program, "--directory=.", *flags, *frameworks]

    def broken(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield the files it could not parse, and those with a suppressed check."""
        for part in document if isinstance(document, list) else [document]:
            results = part.get("results", {}) if isinstance(part, dict) else {}
            for path in results.get("parsing_errors", ()):
                yield path, "Checkov could not parse it"
            for check in results.get("skipped_checks", ()):
                yield check.get("file_path", ""), "a check is suppressed"
